import { estimateOf, type Workload } from '../../../kernel/bench/estimate.ts';
import type { Plan } from '../../../kernel/bench/plan.ts';
import { median } from '../../../kernel/bench/statistics.ts';
import type { Check } from '../api.ts';
import type { Database } from '../database/database.ts';
import type { Resources } from '../vocabulary.ts';

/** Seconds of training for each multiply-add of an image, where nothing is known of the workers. */
const guesses: Readonly<Record<Resources, number>> = { cpu: 3e-10, gpu: 1e-11 };

/** How long a workload takes one worker, from what was trained here so far. */
export async function estimate(
  database: Database,
  { model, modelOptions, dataset, datasetOptions }: Plan,
  resources: Resources,
  macs: number,
  workload: Workload,
): Promise<NonNullable<Check['estimate']>> {
  const same = { model, modelOptions, dataset, datasetOptions };
  const epochs = await epochsOf(database, same, resources);
  if (epochs.length > 0)
    return of(
      median(epochs) / workload.train,
      `as fast as ${epochs.length} epochs of this model on these data were here`,
    );
  const speeds = await speedsOf(database, resources);
  if (speeds.length > 0)
    return of(
      median(speeds) * macs,
      `as fast, for its multiply-adds, as the other models of the last ${speeds.length} results were here`,
    );
  const guess = guesses[resources];
  return of(guess * macs, `a guess: ${guess} seconds for a multiply-add, as nothing was trained here yet`);

  function of(secondsPerImage: number, basis: string): NonNullable<Check['estimate']> {
    const { secondsPerImage: _, ...stages } = estimateOf(secondsPerImage, workload);
    return { ...stages, basis };
  }
}

/** Seconds of the last epochs of unpruned models that were the same. */
async function epochsOf({ sql }: Database, same: Partial<Plan>, resources: Resources): Promise<number[]> {
  const rows = await sql<{ seconds: number }>(
    `select (data->>'seconds')::float8 as seconds from pruningbench.events
     where kind = 'epoch' and data->>'stage' = 'base' and run in (
       select id from pruningbench.runs where kind = 'base' and resources = $2 and spec @> $1::jsonb
         and spec->'modelOptions' = $1::jsonb->'modelOptions' and spec->'datasetOptions' = $1::jsonb->'datasetOptions'
       order by created desc limit 10)
     order by seq desc limit 100`,
    [JSON.stringify(same), resources],
  );
  return rows.map(({ seconds }) => seconds).filter(seconds => seconds > 0);
}

/** Seconds of an epoch that says how fast a worker is: shorter ones say how long it takes to begin. */
const telling = 5;

/** Seconds for each multiply-add of an image in the last results of other models. */
async function speedsOf({ sql }: Database, resources: Resources): Promise<number[]> {
  const rows = await sql<{ seconds: number[]; train: number; macs: number }>(
    `select jsonb_path_query_array(result, $2) as seconds,
       (result #>> '{configuration,dataset,train}')::float8 as train, (result #>> '{base,macs}')::float8 as macs
     from (
       select result from pruningbench.runs
       where kind = 'pruned' and state = 'done' and resources = $1 and jsonb_path_exists(result, $2)
       order by finished desc limit 20
     ) as last`,
    [resources, `$.base.history[*].seconds ? (@ >= ${telling})`],
  );
  return rows.map(({ seconds, train, macs }) => median(seconds) / (train * macs)).filter(speed => speed > 0);
}
