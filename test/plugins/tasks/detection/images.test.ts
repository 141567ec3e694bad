import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Network } from '../../../../kernel/graph/run.ts';
import { displaySymbol } from '../../../../kernel/jupyter/index.ts';
import { load } from '../../../../plugins/api.ts';
import { detect, readLevels } from '../../../../plugins/tasks/detection/detect.ts';
import { detectionImages } from '../../../../plugins/tasks/detection/images.ts';
import type { DetectionTargets } from '../../../../plugins/tasks/detection/targets.ts';
import { tinyDetector } from './tiny-detector.ts';

type Arguments = Parameters<typeof detectionImages>;

const svgOf = async (...given: Arguments): Promise<string> =>
  ((await (await detectionImages(...given))[displaySymbol]()) as { 'image/svg+xml': string })['image/svg+xml'];

/** Boxes in a picture by whether they are dashed: left, top, width, height. */
const boxesIn = (svg: string, dashed: boolean): number[][] =>
  [...svg.matchAll(/<rect x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)"([^>]*)>/g)]
    .filter(([, , , , , rest]) => rest!.includes('dasharray') === dashed)
    .map(([, ...numbers]) => numbers.slice(0, 4).map(Number));

const scaled = (boxes: ArrayLike<number>, scale: number): number[][] =>
  Array.from({ length: boxes.length / 4 }, (_, i) => {
    const [left, top, right, bottom] = [0, 1, 2, 3].map(k => Math.min(96, Math.max(0, boxes[4 * i + k]!)) * scale) as [
      number,
      number,
      number,
      number,
    ];
    return [left, top, right - left, bottom - top];
  });

function same(actual: readonly number[][], expected: readonly number[][]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((box, i) => box.forEach((value, k) => assert.ok(Math.abs(value - expected[i]![k]!) < 0.11)));
}

describe('pictures of detections', () => {
  it('draw every true box of the first test images in its place, and name its class', async () => {
    const data = await load('shapes-detection', { train: 1, test: 6 });
    const svg = await svgOf(data, undefined, { count: 5, width: 192 });
    assert.equal(svg.match(/<image /g)!.length, 5);
    for await (const { targets } of data.test.batches({ batch: 5 })) {
      const all = targets as DetectionTargets;
      same(
        boxesIn(svg, true),
        all.flatMap(({ boxes }) => scaled(boxes, 2)),
      );
      const names = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, name]) => name);
      assert.deepEqual(
        names,
        all.flatMap(({ classes }) => [...classes].map(label => data.classes[label])),
      );
      break;
    }
    assert.deepEqual(boxesIn(svg, false), []);
  });

  it('draw what a network sees, as `detect` finds it, and keep no tensor', async () => {
    const data = await load('shapes-detection', { train: 1, test: 3 });
    const graph = tinyDetector(96, data.classes.length);
    const options = { confidence: 0.012, iou: 0.5 };
    await svgOf(data, graph, options);
    const before = tf.memory().numTensors;
    const svg = await svgOf(data, graph, { ...options, width: 96 });
    assert.equal(tf.memory().numTensors, before);
    const network = new Network(graph);
    for await (const batch of data.test.batches({ batch: 3 })) {
      const outputs = network.apply(network.input(batch));
      const { levels, classes } = await readLevels(outputs, 3);
      const found = [0, 1, 2].map(image => detect(levels, image, classes, options));
      assert.ok(found.reduce((sum, { scores }) => sum + scores.length, 0) > 3);
      same(
        boxesIn(svg, false),
        found.flatMap(({ boxes }) => scaled(boxes, 1)),
      );
      const [first] = found.flatMap(({ classes, scores }) =>
        [...classes].map((c, i) => `${data.classes[c]} ${scores[i]!.toFixed(2)}`),
      );
      assert.ok(svg.includes(`>${first}</text>`), first);
    }
    network.dispose();
  });

  it('give names of classes no meaning', async () => {
    const data = await load('shapes-detection', { train: 1, test: 1 });
    const svg = await svgOf({ ...data, classes: data.classes.map(() => '<script>"&') });
    assert.doesNotMatch(svg, /<script/);
    assert.match(svg, />&#60;script&#62;&#34;&#38;</);
  });

  it('are refused for data without boxes', async () => {
    const data = await load('shapes', { train: 1, test: 1 });
    await assert.rejects(detectionImages(data), /shapes: is for classification, boxes need/);
  });
});
