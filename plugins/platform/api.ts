import { z } from 'zod';
import { profileNames } from '../../kernel/bench/experiment.ts';
import { planSchema } from '../../kernel/bench/plan.ts';
import { protocolSchema } from '../../kernel/bench/protocol.ts';
import { recordSchema } from '../../kernel/bench/record.ts';
import { resourceNames, runKinds, runStates, scopes } from './vocabulary.ts';

// What the server and its clients say to one another, all of it JSON. The page, the tests and the OpenAPI document are
// made from these.

export const id = z.string().regex(/^[0-9a-f]{12}$/);
const time = z.iso.datetime();
/** What a person calls something: not blank. */
export const nameOf = (longest: number) => z.string().max(longest).regex(/\S/, 'it is blank').trim();
const jsonSchema = z.record(z.string(), z.unknown());

/**
 * A plugin, with its options as JSON Schema. Among them is neither where the data lie nor, of models, the seed and what
 * follows from the data set.
 */
const pluginInfo = z.strictObject({
  id: z.string(),
  title: z.string(),
  paper: z.string().nullable(),
  options: jsonSchema,
});

/** `GET /api/catalogue`: everything that can be chosen. */
export const catalogueSchema = z.strictObject({
  version: z.string(),
  models: z.array(pluginInfo.extend({ task: z.string() })),
  datasets: z.array(
    pluginInfo.extend({
      task: z.string(),
      /** Why it cannot be chosen on this server; null where it can. */
      unavailable: z.string().nullable(),
    }),
  ),
  criteria: z.array(pluginInfo.extend({ needsData: z.boolean() })),
  regularizers: z.array(pluginInfo),
  strategies: z.array(pluginInfo),
  tasks: z.array(z.strictObject({ id: z.string(), title: z.string(), score: z.string() })),
  protocols: z.record(z.string(), protocolSchema),
  /** JSON Schema of a protocol as it is given. */
  protocol: jsonSchema,
  experiments: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      about: z.string(),
      profiles: z.record(z.enum(profileNames), planSchema),
    }),
  ),
  /** Workers that are there now, by what they have. */
  workers: z.record(z.enum(resourceNames), z.int()),
});
export type CatalogueInfo = z.infer<typeof catalogueSchema>;

/** `POST /api/check`: what a plan would be, before it is submitted. */
export const checkRequest = z.strictObject({ plan: planSchema, resources: z.enum(resourceNames).default('cpu') });
export const checkSchema = z.strictObject({
  /** Where in the plan and what is wrong; a plan with problems is not taken. */
  problems: z.array(z.strictObject({ path: z.string(), message: z.string() })),
  /** Runs that it adds: trainings that are there already are not made again. */
  runs: z.int(),
  /** The model before pruning; null where it cannot be built. */
  model: z
    .strictObject({
      params: z.int(),
      macs: z.int(),
      groups: z.array(
        z.strictObject({
          id: z.string(),
          units: z.int(),
          /** Layers that are pruned together. */
          members: z.array(z.string()),
          /** Why it stays as it is; null where it is pruned. */
          protected: z.string().nullable(),
        }),
      ),
    })
    .nullable(),
  /** Seconds by stage, from the speed of the workers so far; null where it cannot be said. */
  estimate: z
    .strictObject({
      base: z.number(),
      sparsify: z.number(),
      prune: z.number(),
      finetune: z.number(),
      /** What runs take however small they are. */
      overhead: z.number(),
      total: z.number(),
      /** What the estimate rests on, for people. */
      basis: z.string(),
    })
    .nullable(),
  /** Plugins that do not go with this model and data set, by id, each with the reason. */
  impossible: z
    .strictObject({
      criteria: z.record(z.string(), z.string()),
      regularizers: z.record(z.string(), z.string()),
    })
    .optional(),
});
export type Check = z.infer<typeof checkSchema>;

/** `POST /api/submissions`. */
export const submissionRequest = z.strictObject({
  /** Chosen by the client, new for every submission: the same again is not taken twice. */
  key: z.string().min(8).max(100).optional(),
  title: nameOf(200),
  /** Several for several models or data sets. */
  plans: z.array(planSchema).min(1).max(100),
  resources: z.enum(resourceNames).default('cpu'),
});
export const submissionSchema = z.strictObject({
  id,
  title: z.string(),
  created: time,
  plans: z.array(planSchema),
  /** How many of its runs are in each state. */
  states: z.record(z.enum(runStates), z.int()),
});
export type SubmissionInfo = z.infer<typeof submissionSchema>;

/** `GET /api/submissions`: newest first; `after` is the `next` of the page before. `GET /api/submissions/:id` is one. */
export const submissionsQuery = z.strictObject({
  after: id.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export const submissionsSchema = z.strictObject({
  submissions: z.array(submissionSchema),
  next: z.string().nullable(),
});

export const progressSchema = z.strictObject({
  stage: z.string(),
  /** Share of the stage that is done. */
  fraction: z.number(),
  epoch: z.int().optional(),
  epochs: z.int().optional(),
  loss: z.number().optional(),
  /** Estimate for the stage. */
  secondsLeft: z.number().optional(),
});

/** A run in a list. */
export const runInfo = z.strictObject({
  id,
  kind: z.enum(runKinds),
  submission: id,
  title: z.string(),
  model: z.string(),
  dataset: z.string(),
  method: z.string(),
  strategy: z.string(),
  speedup: z.number(),
  seed: z.int(),
  protocol: z.string(),
  resources: z.enum(resourceNames),
  state: z.enum(runStates),
  /** Why it waits, failed or goes on later. */
  reason: z.string().nullable(),
  /** How many are before it in the queue; null where it is not queued. */
  ahead: z.int().nullable(),
  attempt: z.int(),
  progress: progressSchema.nullable(),
  created: time,
  started: time.nullable(),
  finished: time.nullable(),
  /** Scores of what was made, where it is done: base, pruned before and after fine-tuning, in the task's ranking number. */
  scores: z
    .strictObject({
      score: z.string(),
      base: z.number().nullable(),
      pruned: z.number().nullable(),
      finetuned: z.number().nullable(),
    })
    .nullable(),
});
export type RunInfo = z.infer<typeof runInfo>;

/** Which runs are meant. `GET /api/results.csv` has a line for each of them that is done. */
export const runsFilter = z.strictObject({
  state: z.enum(runStates).optional(),
  kind: z.enum(runKinds).optional(),
  submission: id.optional(),
  model: z.string().max(100).optional(),
  dataset: z.string().max(100).optional(),
  method: z.string().max(200).optional(),
});
/** `GET /api/runs`: newest first; `after` is the `next` of the page before. */
export const runsQuery = runsFilter.extend(submissionsQuery.shape);
export const runsSchema = z.strictObject({ runs: z.array(runInfo), next: z.string().nullable() });

/**
 * `GET /api/runs/:id`. Beside it, to be downloaded: `/log`, all that was logged, `/curves.csv`, and `/notebook.ipynb`, which
 * makes the run anew. `POST /api/runs/:id/cancel` and `/retry` answer `runInfo`.
 */
export const runDetail = runInfo.extend({
  plan: planSchema,
  /** The run whose model it begins with. */
  needs: id.nullable(),
  /** Its result, of runs of kind `pruned`. */
  record: recordSchema.nullable(),
  /** Files that can be downloaded from `/api/runs/:id/files/:name`. */
  files: z.array(z.strictObject({ name: z.string(), bytes: z.int() })),
});
export type RunDetail = z.infer<typeof runDetail>;

/** Layers of a run's model before and after, in the file `layers.json`. */
export const layersSchema = z.array(
  z.strictObject({
    id: z.string(),
    op: z.string(),
    group: z.string().nullable(),
    /** Output channels. */
    before: z.int(),
    after: z.int(),
    params: z.strictObject({ before: z.int(), after: z.int() }),
    macs: z.strictObject({ before: z.int(), after: z.int() }),
  }),
);
export type Layers = z.infer<typeof layersSchema>;

/**
 * Dependency groups of the model before pruning, in the file `groups.json`. Beside it, `groups.vl.json` is a drawing of
 * them, the Vega-Lite specification of `groupsChart`.
 */
export const groupsSchema = z.array(
  z.strictObject({
    id: z.string(),
    units: z.int(),
    /** Units that stay. */
    kept: z.int(),
    /** Why it stays as it is; null where it can be pruned. */
    protected: z.string().nullable(),
    members: z.array(z.strictObject({ parameter: z.string(), axis: z.int(), role: z.string() })),
  }),
);
export type GroupFile = z.infer<typeof groupsSchema>;

/** What a run of kind `base` or `sparsified` came to. */
export const trainedSchema = z.strictObject({
  /** Name of the number that ranks. */
  score: z.string(),
  scores: z.record(z.string(), z.number()).readonly(),
  params: z.int(),
  macs: z.int(),
  macsCompatible: z.int(),
});
export type TrainedResult = z.infer<typeof trainedSchema>;

/** What a run tells of an epoch, and of its log. */
export const epochSchema = z.strictObject({
  stage: z.string(),
  epoch: z.int(),
  loss: z.number(),
  learningRate: z.number(),
  score: z.number().optional(),
  seconds: z.number(),
});
export const lineSchema = z.strictObject({ line: z.string() });

/** Columns of `GET /api/runs/:id/curves.csv`, a line for each epoch event. */
export const curveColumns = ['attempt', 'stage', 'epoch', 'loss', 'learningRate', 'score', 'seconds', 'at'] as const;

/**
 * `GET /api/runs/:id/events`: server-sent events with numbers that grow as ids; `Last-Event-ID` goes on from there, as does
 * `?after=`, for a page that closed the stream while nobody looked at it. A `run` event comes first, and after changes.
 */
export const runEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('run'), data: runInfo }),
  z.strictObject({
    event: z.literal('epoch'),
    data: epochSchema.extend({ at: time, attempt: z.int() }),
  }),
  z.strictObject({ event: z.literal('log'), data: lineSchema.extend({ at: time, attempt: z.int() }) }),
]);
export type RunEvent = z.infer<typeof runEvent>;

/**
 * `GET /api/events`: server-sent events of everything from now on, for lists, and of what was missed since `Last-Event-ID`
 * or `?after=`. After `reload` it was too much to be told: lists are to be loaded anew.
 */
export const listEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('run'), data: runInfo }),
  z.strictObject({ event: z.literal('submission'), data: submissionSchema }),
  z.strictObject({ event: z.literal('reload'), data: z.strictObject({}) }),
]);
export type ListEvent = z.infer<typeof listEvent>;

/** Whose results a leaderboard has: of runs here, of entries that came with the package, of the paper. */
export const standingSources = ['runs', 'entries', 'paper'] as const;

/** A line of a leaderboard. Scores are in percent, or points, times in seconds; null is what nobody measured. */
export const standingSchema = z.strictObject({
  source: z.enum(standingSources),
  model: z.string(),
  dataset: z.string(),
  protocol: z.string(),
  strategy: z.string(),
  speedup: z.number(),
  /** Among those of the same source, model, data set, protocol, strategy and speed-up. */
  rank: z.int(),
  method: z.string(),
  /** How many seeds there are. */
  runs: z.int(),
  base: z.number(),
  before: z.number().nullable(),
  recalibrated: z.number().nullable(),
  score: z.number(),
  spread: z.number().nullable(),
  delta: z.number(),
  params: z.number(),
  paramsLeft: z.number(),
  macsLeft: z.number().nullable(),
  reached: z.number().nullable(),
  latencyRatio: z.number().nullable(),
  stepSeconds: z.number().nullable(),
  regularizerSeconds: z.number().nullable(),
  /** Of entries. */
  by: z.string().nullable(),
  status: z.string().nullable(),
  /** Runs here that it is the mean of. */
  ids: z.array(id),
});
export type StandingInfo = z.infer<typeof standingSchema>;

/** `GET /api/leaderboards`: what there is, by model and data set. */
export const leaderboardsSchema = z.strictObject({
  boards: z.array(
    z.strictObject({
      source: z.enum(standingSources),
      model: z.string(),
      dataset: z.string(),
      rows: z.int(),
    }),
  ),
});

/** `GET /api/standings`: best first within each strategy and speed-up. */
export const standingsQuery = z.strictObject({
  source: z.enum(standingSources).optional(),
  model: z.string().max(200).optional(),
  dataset: z.string().max(200).optional(),
  /** Ranks the runs of one submission among themselves. */
  submission: id.optional(),
});
export const standingsSchema = z.strictObject({ rows: z.array(standingSchema) });

/** One of `GET /api/models`, and the answer to `POST /api/models?name=`, whose body is the file. */
export const modelInfo = z.strictObject({
  id,
  name: z.string(),
  sha256: z.string(),
  bytes: z.int(),
  created: time,
  summary: z.strictObject({
    inputs: z.array(z.array(z.int())),
    outputs: z.array(z.array(z.int())),
    params: z.int(),
    macs: z.int(),
    groups: z.int(),
  }),
});
export type ModelInfo = z.infer<typeof modelInfo>;

/** `GET /api/models`. `GET /api/models/:id/file` is the file again, `DELETE /api/models/:id` removes it. */
export const modelsSchema = z.strictObject({ models: z.array(modelInfo) });

/**
 * `POST /api/session`: a browser that has this token signs in with it, for requests and downloads that carry no header;
 * `DELETE` signs it out.
 */
export const sessionRequest = z.strictObject({ token: z.string().min(1).max(200) });
/** `GET /api/session`: whether this server asks for a token, and what whoever asks may do. */
export const sessionSchema = z.strictObject({ required: z.boolean(), scopes: z.array(z.enum(scopes)) });

/** `POST /api/tokens`. `DELETE /api/tokens/:id` revokes. */
export const tokenRequest = z.strictObject({
  name: nameOf(100),
  scopes: z.array(z.enum(scopes)).min(1),
});
/** One of `GET /api/tokens`. */
export const tokenInfo = z.strictObject({
  id,
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  created: time,
  used: time.nullable(),
  revoked: time.nullable(),
});
export const tokensSchema = z.strictObject({ tokens: z.array(tokenInfo) });
/** With the token itself, this once. */
export const newToken = tokenInfo.extend({ token: z.string() });

/** One of `GET /api/workers`, those that are there. */
export const workerInfo = z.strictObject({
  id: z.string(),
  resources: z.enum(resourceNames),
  host: z.string(),
  backend: z.string(),
  version: z.string(),
  seen: time,
  /** What it runs. */
  run: id.nullable(),
});

export const workersSchema = z.strictObject({ workers: z.array(workerInfo) });

/** `GET /api/health`. */
export const healthSchema = z.strictObject({ status: z.literal('ok') });

/** Of every answer that is not 2xx. */
export const errorSchema = z.strictObject({
  error: z.string(),
  /** The part of the request that is meant, as in `plan.speedups.0`. */
  field: z.string().optional(),
  /** To workers, what they act on. */
  name: z.enum(['Superseded', 'NotStored']).optional(),
});
