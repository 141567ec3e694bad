import { recordSchema } from '../../../kernel/bench/record.ts';
import { curveColumns } from '../api.ts';
import type { Database } from '../database/database.ts';
import { csvLine } from './csv.ts';
import { eventsOf } from './events.ts';
import { conditionsOf, whereOf, type RunsFilter } from './run-reader.ts';

const resultColumns = [
  'run',
  'submission',
  'model',
  'dataset',
  'protocol',
  'strategy',
  'method',
  'speedup',
  'seed',
  'score',
  'base',
  'pruned',
  'recalibrated',
  'finetuned',
  'baseParams',
  'params',
  'baseMacs',
  'macs',
  'batch',
  'baseLatencyMs',
  'latencyMs',
  'backend',
  'finished',
] as const;

/** Results of runs as CSV, a line for each that is done, read as they are asked for. */
export async function* resultsCsv({ sql }: Database, filter: RunsFilter): AsyncGenerator<string> {
  yield csvLine(resultColumns);
  const batch = 100;
  const { conditions, values } = conditionsOf(filter);
  const after = `$${values.length + 1}`;
  const where = whereOf([...conditions, `kind = 'pruned'`, `state = 'done'`, `id > ${after}`]);
  for (let last = ''; ;) {
    const rows = await sql<{ id: string; submission: string; result: unknown; finished: Date }>(
      `select id, submission, result || '{"groups": []}' as result, finished from pruningbench.runs ${where}
       order by id limit ${batch}`,
      [...values, last],
    );
    for (const { id, submission, result, finished } of rows) {
      const { data: record } = recordSchema.safeParse(result);
      if (!record) continue;
      const { configuration: c, score, base, pruned, latency } = record;
      const method = c.regularizer ? `${c.criterion.id} + ${c.regularizer.id}` : c.criterion.id;
      const [first] = latency;
      yield csvLine([
        id,
        submission,
        c.model.id,
        c.dataset.id,
        c.protocol.name,
        c.strategy.id,
        method,
        c.speedup,
        c.seed,
        score,
        base.scores[score],
        pruned.before[score],
        pruned.recalibrated?.[score],
        c.protocol.finetune ? pruned.scores[score] : null,
        base.params,
        pruned.params,
        base.macs,
        pruned.macs,
        first?.batch,
        first?.base,
        first?.pruned,
        c.backend,
        finished.toISOString(),
      ]);
    }
    if (rows.length < batch) return;
    last = rows.at(-1)!.id;
  }
}

/** The epochs of a run as CSV. */
export async function* curvesCsv(database: Database, run: string): AsyncGenerator<string> {
  yield csvLine(curveColumns);
  for await (const { kind, data, at, attempt } of eventsOf(database, run)) {
    if (kind !== 'epoch') continue;
    const line: Readonly<Record<string, unknown>> = { ...data, at: at.toISOString(), attempt };
    yield csvLine(curveColumns.map(column => line[column] as string | number | undefined));
  }
}

/** What was logged of a run, and how it went, as text. */
export async function* logText(database: Database, run: string): AsyncGenerator<string> {
  for await (const { kind, data, at, attempt } of eventsOf(database, run)) {
    const { line, state, worker, reason } = data as Record<string, string | undefined>;
    const said =
      kind === 'log' ? line : kind === 'state' ? [state, worker, reason].filter(Boolean).join(': ') : undefined;
    if (said !== undefined) yield `${at.toISOString()} ${attempt} ${said}\n`;
  }
}
