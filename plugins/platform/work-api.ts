import { z } from 'zod';
import { planSchema } from '../../kernel/bench/plan.ts';
import { recordSchema } from '../../kernel/bench/record.ts';
import { epochSchema, id, lineSchema, progressSchema, trainedSchema } from './api.ts';
import { keyPattern } from './store/store.ts';
import { resourceNames, runKinds } from './vocabulary.ts';

// What workers ask that join through the server, under `/api/work`. All of it is JSON but files.

const count = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** As the queue knows it; its id is known to who has taken it only. */
const ticketSchema = z.strictObject({ id: z.uuid(), retryCount: count, resources: z.enum(resourceNames), run: id });
const artifactSchema = z.strictObject({ name: z.string().max(200).regex(keyPattern), bytes: z.int().min(0), sha256 });

/** `GET /api/work`: what a worker has to know first. */
export const workSchema = z.strictObject({
  version: z.string(),
  lease: z.strictObject({ heartbeat: z.number(), cap: z.number(), supervise: z.number() }),
});

/** `PUT /api/work/workers/:id`, again and again; `DELETE` says that it is gone. */
export const workerId = z.strictObject({
  id: z
    .string()
    .max(150)
    .regex(/^[\w.-]+$/),
});
/** What a worker says of itself; `run` is what it runs. */
export const workerAbout = z.strictObject({
  resources: z.enum(resourceNames),
  host: z.string().max(300),
  pid: count,
  backend: z.string().max(100),
  version: z.string().max(100),
  run: id.nullable(),
});
export type WorkerAbout = z.infer<typeof workerAbout>;

/** `POST /api/work/take`. */
export const takeRequest = z.strictObject({ resources: z.enum(resourceNames) });
export const takeAnswer = z.strictObject({ ticket: ticketSchema.nullable() });

/** `POST /api/work/touch`. */
export const touchRequest = z.strictObject({ ticket: ticketSchema });
export const touchAnswer = z.strictObject({ held: z.boolean() });

/** `POST /api/work/claim`. */
export const claimRequest = touchRequest.extend({ worker: workerId.shape.id });
export const claimAnswer = z.strictObject({
  run: z
    .strictObject({ id, kind: z.enum(runKinds), spec: planSchema, needs: id.nullable(), attempt: count })
    .nullable(),
});

/**
 * An attempt, and the ticket by which it holds its run. What is asked for one that does not hold it any more is answered 409,
 * `Superseded`. All of `POST /api/work/artifacts` and `/sweep`.
 */
export const heldRequest = touchRequest.extend({ attempt: count });
export type HeldRequest = z.infer<typeof heldRequest>;
/** The same in an address that has the run in it. */
export const heldQuery = z.strictObject({ attempt: z.coerce.number().int().min(0), ticket: z.uuid() });
export const artifactsAnswer = z.strictObject({ artifacts: z.array(artifactSchema.extend({ run: id })) });

/** `POST /api/work/report`. */
export const reportRequest = heldRequest.extend({
  progress: progressSchema.optional(),
  events: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('epoch'), data: epochSchema }),
      z.strictObject({ kind: z.literal('log'), data: lineSchema }),
    ]),
  ),
  /** How many events the attempt has reported before these. */
  from: count,
});
export type ReportRequest = z.infer<typeof reportRequest>;
export const reportAnswer = z.strictObject({ cancelling: z.boolean() });

/** `POST /api/work/saved`, after `PUT /api/work/runs/:id/files/:sha256`. */
export const savedRequest = heldRequest.extend({ artifact: artifactSchema });
export type SavedRequest = z.infer<typeof savedRequest>;

/** `POST /api/work/finish`; the result of a run that prunes is a record. */
export const finishRequest = heldRequest.extend({
  outcome: z.discriminatedUnion('state', [
    z.strictObject({ state: z.literal('done'), result: z.union([recordSchema, trainedSchema]) }),
    z.strictObject({ state: z.literal('failed'), reason: z.string() }),
    z.strictObject({ state: z.literal('cancelled') }),
    z.strictObject({ state: z.literal('queued'), reason: z.string() }),
  ]),
});
export type FinishRequest = z.infer<typeof finishRequest>;
