import { Chart } from '../chart.tsx';
import { epochAxis } from '../epoch-axis.ts';
import { percent, plural, rate } from '../format.ts';
import type { Column } from '../table.tsx';
import { stageName } from '../ui.tsx';
import type { CurvePoint } from './curves.ts';

const stageColours = { base: '#8a94a3', sparsify: '#b279a2', finetune: '#3d8fc2' };
const drawn = [
  ['loss', 'Training loss', '.2f'],
  ['score', 'Score on test images', '.0%'],
  ['learningRate', 'Learning rate', '~g'],
] as const;

/** Loss, score and learning rate by epoch; they grow as epochs come. */
export function CurveCharts({ points, score }: { points: readonly CurvePoint[]; score: string }) {
  const stages = [...new Set(points.map(({ stage }) => stage))];
  const legend = stages.map(stage => ({ stage, colour: colourOf(stage), name: stageName(stage) }));
  return (
    <div class="charts">
      {drawn.map(([field, title, format]) => {
        const rows = field === 'score' ? points.filter(({ score }) => score !== null) : points;
        return (
          <Chart
            key={field}
            title={field === 'score' ? `${title} (${score})` : title}
            spec={specOf(field, format, legend)}
            rows={rows}
            text={textOf(field, rows)}
            columns={field === 'loss' ? columns : undefined}
          />
        );
      })}
    </div>
  );
}

const colourOf = (stage: string): string => (stageColours as Record<string, string>)[stage] ?? '#54a24b';

const columns: Column<CurvePoint>[] = [
  { title: 'training', head: true, cell: ({ stage }) => stageName(stage) },
  { title: 'epoch', figure: true, cell: ({ epoch }) => epoch },
  { title: 'loss', figure: true, cell: ({ loss }) => loss.toFixed(4) },
  { title: 'score', figure: true, cell: ({ score }) => (score === null ? '' : percent(score)) },
  { title: 'learning rate', figure: true, cell: ({ learningRate }) => rate(learningRate) },
  { title: 'seconds', figure: true, cell: ({ seconds }) => seconds.toFixed(1) },
];

const specOf = (field: string, format: string, legend: readonly { stage: string; colour: string; name: string }[]) => ({
  width: 'container',
  height: 180,
  autosize: { type: 'fit', contains: 'padding', resize: true },
  mark: { type: 'line', point: { size: 26 }, strokeWidth: 1.8 },
  encoding: {
    x: { field: 'at', type: 'quantitative', title: 'epoch', axis: epochAxis },
    y: { field, type: 'quantitative', title: null, axis: { format, tickCount: 5 }, scale: { zero: false } },
    color: {
      field: 'stage',
      type: 'nominal',
      scale: { domain: legend.map(({ stage }) => stage), range: legend.map(({ colour }) => colour) },
      legend:
        legend.length > 1
          ? {
              title: null,
              orient: 'top',
              labelExpr: `{${legend.map(({ stage, name }) => `${JSON.stringify(stage)}: ${JSON.stringify(name)}`).join()}}[datum.label]`,
            }
          : null,
    },
    tooltip: [
      { field: 'stage', title: 'training' },
      { field: 'epoch' },
      { field, title: field, format: field === 'score' ? '.2%' : '.4g' },
    ],
  },
});

function textOf(field: (typeof drawn)[number][0], points: readonly CurvePoint[]): string {
  const [first] = points;
  const last = points.at(-1);
  if (!first || !last) return field === 'score' ? 'No epoch was scored yet.' : 'No epoch is done yet.';
  const value = (point: CurvePoint) =>
    field === 'score' ? percent(point.score!) : field === 'loss' ? point.loss.toFixed(3) : rate(point.learningRate);
  if (points.length === 1) return `After one epoch: ${value(last)}.`;
  const best = field === 'score' ? Math.max(...points.map(({ score }) => score!)) : undefined;
  return [
    `${plural(points.length, 'epoch')}: from ${value(first)} to ${value(last)}`,
    best === undefined ? '' : `, at best ${percent(best)}`,
    '.',
  ].join('');
}
