import assert from 'node:assert/strict';
import { publishedRows } from '../../../../datasets/paper/published.ts';
import { bumpChart, costChart, gainChart, paramsChart, tauChart } from '../../../../kernel/bench/analysis/charts.ts';
import { regularizerGains } from '../../../../kernel/bench/analysis/gains.ts';
import { boards, criteriaAlone } from '../../../../kernel/bench/analysis/result.ts';
import type { Chart } from '../../../../kernel/jupyter/chart.ts';
import { boardOf } from './results.ts';

const rows = publishedRows();
const alone = criteriaAlone(rows);
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

describe('charts of analyses', () => {
  const charts: Record<string, [Chart, string[]]> = {
    bump: [bumpChart(alone), ['resnet18, cifar100', 'vit-small, imagenet', 'obd-hessian', '8x']],
    tau: [tauChart(boards(alone)), ['resnet18, cifar100, 2x', 'yolov8m, coco, 4x']],
    cost: [costChart(alone), ['vgg19, cifar100', 'seconds per pruning step', 'hrank']],
    gain: [gainChart(regularizerGains(rows)), ['magnitude-l2 + group-norm', 'vit-small, imagenet, 4x']],
    params: [paramsChart(alone), ['yolov8m, coco, 3x', 'parameters left, %']],
  };
  for (const [name, [chart, expected]] of Object.entries(charts))
    it(`${name}: renders with its labels, none cut off`, async () => {
      const svg = await chart.toSvg();
      const found = texts(svg);
      for (const text of expected)
        assert.ok(found.includes(text), `${text} is not in ${[...new Set(found)].join(' | ')}`);
      assert.ok(!found.some(text => text!.endsWith('…')), found.filter(text => text!.endsWith('…')).join());
      assert.doesNotMatch(svg, /NaN|undefined/);
    });

  it('bump: equal scores stand apart and share a number', async () => {
    const svg = await bumpChart(boardOf({ a: 3, b: 3, c: 1 })).toSvg();
    const numbers = [...svg.matchAll(/transform="translate\(([^)]*)\)"[^>]*>(\d)<\/text>/g)];
    assert.deepEqual(numbers.map(([, , rank]) => rank).sort(), ['1', '1', '3']);
    assert.equal(new Set(numbers.map(([, place]) => place)).size, 3);
  });

  it('tau: names are whole, however long', async () => {
    const what = { model: 'a model with a long name', dataset: 'a data set with a long name, too' };
    const list = boards(
      [boardOf({ a: 1, b: 2 }, what), boardOf({ a: 2, b: 1 }, { ...what, strategy: 'local' })].flat(),
    );
    const found = texts(await tauChart(list).toSvg());
    for (const { name } of list) assert.ok(found.includes(name), found.join(' | '));
  });

  it('tau: boards whose scores are all the same are on the axes and have no number', async () => {
    const list = boards([...boardOf({ a: 1, b: 1 }), ...boardOf({ a: 1, b: 2 }, { speedup: 4 })]);
    const found = texts(await tauChart(list).toSvg());
    assert.equal(found.filter(text => text === 'net, data, 2x').length, 2);
    assert.ok(!found.some(text => /NaN|null/.test(text!)));
  });
});
