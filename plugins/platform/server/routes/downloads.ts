import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { formatNotebook } from '../../../../kernel/jupyter/notebook.ts';
import { runsFilter, type RunDetail } from '../../api.ts';
import { checkpoints } from '../../run.ts';
import { artifactKey, NotStored } from '../../store/store.ts';
import { uploadPrefix } from '../../vocabulary.ts';
import { runNotebook } from '../notebook.ts';
import { notFound } from '../refused.ts';
import { curvesCsv, logText, resultsCsv } from '../results.ts';
import type { Api, Parts } from '../server.ts';
import { byId } from './by-id.ts';

const types: Readonly<Record<string, string>> = {
  json: 'application/json; charset=utf-8',
  ipynb: 'application/x-ipynb+json',
  csv: 'text/csv; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
};
export const binary = 'application/octet-stream';
/** An answer that is a file of one of these types. */
export const file = (description: string, ...types: readonly string[]) => ({
  200: {
    description,
    content: Object.fromEntries(
      types.map(type => [type.split(';')[0]!, { schema: type.includes('json') ? z.unknown() : z.string() }]),
    ),
  },
});

/** Files of runs. */
export function downloads(api: Api, { database, store, reader, catalogue, uploads }: Parts): void {
  const one = async (id: string) => {
    const run = await reader.detail(id);
    if (!run) throw notFound(`run ${id}`);
    return run;
  };

  api.get(
    '/runs/:id/files/:name',
    {
      schema: {
        summary: 'A file that a run has made',
        params: byId.extend({ name: z.string().max(100) }),
        response: file('The file', binary, types['json']!, types['txt']!),
      },
    },
    async ({ params: { id, name } }, reply) => {
      const run = await one(id);
      const [artifact] = await database.sql<{ sha256: string; bytes: number }>(
        `select sha256, bytes::float8 as bytes from pruningbench.artifacts
         where run = $1 and name = $2 and name not like '${checkpoints}%'`,
        [id, name],
      );
      if (!artifact) throw notFound(`file ${name} of run ${id}`);
      const { sha256, bytes } = artifact;
      const body = await store.read(artifactKey(id, sha256)).catch((error: Error) => {
        throw error instanceof NotStored ? notFound(`file ${name} of run ${id} any more`) : error;
      });
      reply.header('content-length', bytes).header('etag', `"${sha256}"`);
      return attached(reply, body, fileName(run, name));
    },
  );

  api.get(
    '/runs/:id/log',
    { schema: { summary: 'All that was logged', params: byId, response: file('A line for each', types['txt']!) } },
    async ({ params: { id } }, reply) =>
      attached(reply, Readable.from(logText(database, (await one(id)).id)), fileName(await one(id), 'log.txt')),
  );

  api.get(
    '/runs/:id/curves.csv',
    { schema: { summary: 'Its epochs', params: byId, response: file('A line for each', types['csv']!) } },
    async ({ params: { id } }, reply) => {
      const run = await one(id);
      return attached(reply, Readable.from(curvesCsv(database, id)), fileName(run, 'curves.csv'));
    },
  );

  api.get(
    '/runs/:id/notebook.ipynb',
    {
      schema: {
        summary: 'A notebook that makes the run anew',
        params: byId,
        response: file('For the kernel pruningbench', types['ipynb']!),
      },
    },
    async ({ params: { id } }, reply) => {
      const run = await one(id);
      const { plan, title, record } = run;
      const uploaded = plan.model.startsWith(uploadPrefix)
        ? await uploads.find(plan.model.slice(uploadPrefix.length))
        : undefined;
      const task = catalogue.datasets.find(dataset => dataset.id === plan.dataset)?.task ?? '';
      const upload = uploaded && { name: uploaded.name, sha256: uploaded.sha256, task };
      const text = formatNotebook(runNotebook({ id, title, plan, record, upload }));
      return attached(reply, text, fileName(run, 'notebook.ipynb'));
    },
  );

  api.get(
    '/results.csv',
    {
      schema: {
        summary: 'Results of all runs that are let through',
        querystring: runsFilter,
        response: file('A line for each that is done', types['csv']!),
      },
    },
    async ({ query }, reply) => attached(reply, Readable.from(resultsCsv(database, query)), 'results.csv'),
  );
}

/** A name that says what a file is of, of harmless characters. */
export const fileName = ({ id, model, method, speedup }: RunDetail, name: string): string =>
  [model, method, `${speedup}x`, id, name].map(part => part.replace(/[^\w.]+/g, '-').slice(0, 60)).join('-');

/** Answers with a file to be saved: browsers neither show nor run what is in it. */
export function attached(reply: FastifyReply, body: Readable | string, name: string): FastifyReply {
  const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? binary;
  return reply.type(type).header('content-disposition', `attachment; filename="${name}"`).send(body);
}
