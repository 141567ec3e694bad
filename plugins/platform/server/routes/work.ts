import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { isOutage } from '../../database/outage.ts';
import { Superseded } from '../../run.ts';
import { artifactKey, modelKey, NotStored } from '../../store/store.ts';
import { uploadPrefix } from '../../vocabulary.ts';
import {
  artifactsAnswer,
  claimAnswer,
  claimRequest,
  finishRequest,
  heldQuery,
  heldRequest,
  reportAnswer,
  reportRequest,
  savedRequest,
  sha256,
  takeAnswer,
  takeRequest,
  touchAnswer,
  touchRequest,
  workerAbout,
  workerId,
  workSchema,
  type HeldRequest,
} from '../../work-api.ts';
import { attemptOf, type Held } from '../../worker/office.ts';
import { receive } from '../receive.ts';
import { Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { byId } from './by-id.ts';
import { binary, file } from './downloads.ts';

/** Bytes of a request: a record of a large model, or what was to be told while the server was away. */
const bodyLimit = 32 * 2 ** 20;

/** What workers ask. Only who holds a run's ticket has a say in it. */
export function work(api: Api, parts: Parts): void {
  void api.register(async scope => {
    scope.addHook('onRoute', route => {
      route.config = { ...route.config, scope: 'work' };
      route.bodyLimit ??= bodyLimit;
    });
    // those above answer what comes of it
    scope.setErrorHandler((error: Error) => {
      throw answerOf(error);
    });
    asked(scope.withTypeProvider<ZodTypeProvider>(), parts);
    files(scope.withTypeProvider<ZodTypeProvider>(), parts);
    void scope.register(async scope => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(binary, (_request, body, done) => done(null, body));
      uploads(scope.withTypeProvider<ZodTypeProvider>(), parts);
    });
  });
}

/** What a worker can tell from other errors, and act on. */
function answerOf(error: Error): Error {
  if (error instanceof Superseded) return new Refused(409, error.message, { name: error.name });
  if (error instanceof NotStored) return new Refused(404, error.message, { name: error.name });
  if (!(error instanceof Refused) && isOutage(error))
    return new Refused(503, 'the server cannot reach its database or its store', { retryAfter: 1 });
  return error;
}

function asked(api: Api, { office, runs, version }: Parts): void {
  const heldOf = ({ attempt, ticket }: HeldRequest): Held => ({ id: ticket.run, attempt, ticket });
  /** For what the office itself asks of no run. */
  const holding = async (request: HeldRequest, done?: boolean): Promise<Held> => {
    const held = heldOf(request);
    await runs.heldBy(attemptOf(held), done);
    return held;
  };

  api.get(
    '/work',
    { schema: { summary: 'What a worker has to know first', response: { 200: workSchema } } },
    async () => ({ version, lease: { ...office.lease } }),
  );

  api.put(
    '/work/workers/:id',
    { schema: { summary: 'A worker is there', params: workerId, body: workerAbout, response: { 204: z.null() } } },
    async ({ params: { id }, body }, reply) => {
      await office.seen(id, body);
      return reply.code(204).send(null);
    },
  );

  api.delete(
    '/work/workers/:id',
    { schema: { summary: 'A worker is gone', params: workerId, response: { 204: z.null() } } },
    async ({ params: { id } }, reply) => {
      await office.stopped(id);
      return reply.code(204).send(null);
    },
  );

  api.post(
    '/work/take',
    { schema: { summary: 'Takes the next ticket, if there is one', body: takeRequest, response: { 200: takeAnswer } } },
    async ({ body: { resources } }) => ({ ticket: (await office.take(resources)) ?? null }),
  );

  api.post(
    '/work/touch',
    { schema: { summary: 'Keeps a ticket', body: touchRequest, response: { 200: touchAnswer } } },
    async ({ body: { ticket } }) => ({ held: await office.touch(ticket) }),
  );

  api.post(
    '/work/claim',
    { schema: { summary: "Begins an attempt at a ticket's run", body: claimRequest, response: { 200: claimAnswer } } },
    async ({ body: { ticket, worker } }) => {
      const run = await office.claim(ticket, worker);
      if (!run) return { run: null };
      const { id, kind, spec, needs, attempt } = run;
      return { run: { id, kind, spec, needs, attempt } };
    },
  );

  api.post(
    '/work/report',
    { schema: { summary: 'Says how a run goes', body: reportRequest, response: { 200: reportAnswer } } },
    async ({ body: { progress, events, from, ...request } }) => office.report(heldOf(request), progress, events, from),
  );

  api.post(
    '/work/finish',
    { schema: { summary: 'Ends an attempt', body: finishRequest, response: { 204: z.null() } } },
    async ({ body: { outcome, ...request } }, reply) => {
      const held = heldOf(request);
      if (outcome.state === 'done') {
        const { kind } = await runs.heldBy(attemptOf(held));
        const isRecord = 'configuration' in outcome.result;
        if (isRecord !== (kind === 'pruned'))
          throw new Refused(400, `this is not the result of a run of kind ${kind}`, { field: 'outcome.result' });
      }
      await office.finish(held, outcome);
      return reply.code(204).send(null);
    },
  );

  api.post(
    '/work/artifacts',
    { schema: { summary: 'Files that a run goes on from', body: heldRequest, response: { 200: artifactsAnswer } } },
    async ({ body }) => ({ artifacts: await office.artifacts(await holding(body)) }),
  );

  api.post(
    '/work/saved',
    { schema: { summary: 'Notes a file that was brought', body: savedRequest, response: { 204: z.null() } } },
    async ({ body: { artifact, ...request } }, reply) => {
      await office.saved(heldOf(request), artifact);
      return reply.code(204).send(null);
    },
  );

  api.post(
    '/work/sweep',
    {
      schema: { summary: 'Removes files of a run that are not noted', body: heldRequest, response: { 204: z.null() } },
    },
    async ({ body }, reply) => {
      // of a run that is done nobody brings any
      await office.sweep(await holding(body, true));
      return reply.code(204).send(null);
    },
  );
}

function files(api: Api, { runs, store, uploads }: Parts): void {
  api.get(
    '/work/runs/:id/files/:sha256',
    {
      schema: {
        summary: 'A file that a run goes on from',
        params: byId.extend({ sha256 }),
        querystring: heldQuery.extend({ of: byId.shape.id }),
        response: file('The file', binary),
      },
    },
    async ({ params: { id, sha256 }, query: { attempt, ticket, of } }, reply) => {
      await runs.heldBy({ id, attempt, ticket });
      const line = await runs.lineage(id);
      const known = line.includes(of) && (await runs.artifacts(of)).some(artifact => artifact.sha256 === sha256);
      if (!known) throw new NotStored(`run ${of} has no file ${sha256}`);
      return sent(reply, await store.read(artifactKey(of, sha256)));
    },
  );

  api.get(
    '/work/runs/:id/models/:model',
    {
      schema: {
        summary: 'The file of the uploaded model that a run begins with',
        params: byId.extend({ model: byId.shape.id }),
        querystring: heldQuery,
        response: file('The file', binary),
      },
    },
    async ({ params: { id, model }, query: { attempt, ticket } }, reply) => {
      const { spec } = await runs.heldBy({ id, attempt, ticket });
      if (spec.model !== uploadPrefix + model) throw new Refused(404, `run ${id} begins with model ${spec.model}`);
      const found = await uploads.find(model);
      if (!found) throw new Refused(404, `model ${model}: it is not there any more`);
      reply.header('etag', `"${found.sha256}"`);
      return sent(reply, await store.read(modelKey(found.sha256)));
    },
  );
}

// without its size: a damaged file has another one, and whoever waits for the rest waits long
const sent = (reply: FastifyReply, body: Readable): FastifyReply => reply.type(binary).send(body);

function uploads(api: Api, { runs, store, folder, limits }: Parts): void {
  api.put(
    '/work/runs/:id/files/:sha256',
    {
      schema: {
        summary: 'Brings a file of a run',
        consumes: [binary],
        params: byId.extend({ sha256 }),
        querystring: heldQuery.extend({ bytes: z.coerce.number().int().min(0) }),
        response: { 204: z.null() },
      },
    },
    async ({ params: { id, sha256 }, query: { attempt, ticket, bytes }, body }, reply) => {
      await runs.heldBy({ id, attempt, ticket });
      const most = limits.artifactBytes;
      if (bytes > most) throw new Refused(413, `a file of a run may have ${most} bytes, this one has ${bytes}`);
      // without a type nothing is there to be read
      if (!(body instanceof Readable)) throw new Refused(400, 'the file is empty');
      const own = await mkdtemp(join(folder, 'artifact-'));
      try {
        const path = join(own, 'file');
        const found = await receive(body, path, bytes, () => new Refused(400, `the file has more than ${bytes} bytes`));
        if (found.bytes !== bytes) throw new Refused(400, `the file has ${found.bytes} bytes, not ${bytes}`);
        if (found.sha256 !== sha256) throw new Refused(400, `the file has SHA-256 ${found.sha256}, not ${sha256}`);
        // it may have been long on its way
        await runs.heldBy({ id, attempt, ticket });
        await store.put(artifactKey(id, sha256), path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOSPC' || code === 'EDQUOT') throw new Refused(507, `the server has no space left: ${code}`);
        throw error;
      } finally {
        await rm(own, { recursive: true, force: true });
      }
      return reply.code(204).send(null);
    },
  );
}
