import { runDetail, runInfo, runsQuery, runsSchema } from '../../api.ts';
import { AlreadyUnderWay } from '../../run.ts';
import { notFound, Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { byId, noBody } from './by-id.ts';

/** Runs, and what can be done with them. */
export function runs(api: Api, { runs, reader }: Parts): void {
  api.get(
    '/runs',
    { schema: { summary: 'Runs, newest first', querystring: runsQuery, response: { 200: runsSchema } } },
    ({ query: { after, limit, ...filter } }) => reader.list(filter, { after, limit }),
  );

  api.get(
    '/runs/:id',
    { schema: { summary: 'One of them', params: byId, response: { 200: runDetail } } },
    async ({ params: { id } }) => {
      const run = await reader.detail(id);
      if (!run) throw notFound(`run ${id}`);
      return run;
    },
  );

  api.post(
    '/runs/:id/cancel',
    {
      schema: {
        summary: 'Ends a run that has not ended',
        params: byId,
        body: noBody,
        response: { 200: runInfo },
      },
    },
    async ({ params: { id } }) => {
      if (!(await runs.cancel(id))) throw notFound(`run ${id}`);
      return (await reader.info(id))!;
    },
  );

  api.post(
    '/runs/:id/retry',
    {
      schema: {
        summary: 'Puts a run that failed or was cancelled on the queue again, to go on from its last checkpoint',
        params: byId,
        body: noBody,
        response: { 200: runInfo },
      },
    },
    async ({ params: { id } }) => {
      const state = await runs.retry(id).catch((error: Error) => {
        throw error instanceof AlreadyUnderWay ? new Refused(409, error.message) : error;
      });
      if (!state) throw notFound(`run ${id}`);
      return (await reader.info(id))!;
    },
  );
}
