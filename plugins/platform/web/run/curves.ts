import type { RunRecord } from '../../../../kernel/bench/record.ts';
import type { RunEvent } from '../../api.ts';

type Epoch = Extract<RunEvent, { event: 'epoch' }>['data'];

/** An epoch of a training, as it is drawn. */
export interface CurvePoint {
  /** Epochs so far, over all trainings of the run. */
  readonly at: number;
  readonly stage: string;
  readonly epoch: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly score: number | null;
  readonly seconds: number;
}

type Told = Omit<CurvePoint, 'at'> & { readonly attempt: number };

/** Epochs in the order of the trainings; what a later attempt says of one counts. */
function ordered(told: readonly Told[]): CurvePoint[] {
  const stages = new Map<string, Map<number, Told>>();
  for (const one of told) {
    const stage = stages.get(one.stage) ?? new Map<number, Told>();
    stages.set(one.stage, stage);
    const before = stage.get(one.epoch);
    if (!before || before.attempt <= one.attempt) stage.set(one.epoch, one);
  }
  let at = 0;
  return [...stages.values()].flatMap(stage =>
    [...stage.values()].sort((a, b) => a.epoch - b.epoch).map(({ attempt: _, ...point }) => ({ at: ++at, ...point })),
  );
}

/** Of what a running attempt and those before it told. */
export const curveOfEvents = (epochs: readonly Epoch[]): CurvePoint[] =>
  ordered(epochs.map(({ at: _, score = null, ...rest }) => ({ ...rest, score })));

/** Of all trainings that a result rests on. */
export function curveOfRecord({ base, sparsified, pruned, score }: RunRecord): CurvePoint[] {
  const trainings = [
    ['base', base.history],
    ['sparsify', sparsified?.history ?? []],
    ['finetune', pruned.history],
  ] as const;
  return ordered(
    trainings.flatMap(([stage, history]) =>
      history.map(({ scores, ...rest }) => ({ ...rest, stage, score: scores?.[score] ?? null, attempt: 0 })),
    ),
  );
}

/** Of `curves.csv`, whose columns are `curveColumns`. */
export function curveOfCsv(csv: string): CurvePoint[] {
  const [head = '', ...lines] = csv.trim().split(/\r?\n/);
  const columns = head.split(',').map(unquoted);
  return ordered(
    lines.filter(Boolean).map(line => {
      const cells = line.split(',').map(unquoted);
      const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
      return {
        attempt: Number(cell('attempt')),
        stage: cell('stage'),
        epoch: Number(cell('epoch')),
        loss: Number(cell('loss')),
        learningRate: Number(cell('learningRate')),
        score: cell('score') === '' ? null : Number(cell('score')),
        seconds: Number(cell('seconds')),
      };
    }),
  );
}

const unquoted = (cell: string): string => cell.trim().replace(/^"(.*)"$/, '$1');
