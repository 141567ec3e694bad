import { healthSchema, workersSchema } from '../../api.ts';
import { Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { workersHere } from '../workers.ts';

/** How the platform is. */
export function state(api: Api, { database }: Parts): void {
  api.get(
    '/health',
    {
      config: { scope: 'none' },
      schema: { summary: 'Whether the server and its database are there', response: { 200: healthSchema } },
    },
    async () => {
      try {
        await database.sql('select 1');
      } catch {
        throw new Refused(503, 'the database cannot be reached', { retryAfter: 5 });
      }
      return { status: 'ok' as const };
    },
  );

  api.get(
    '/workers',
    { schema: { summary: 'Workers that are there', response: { 200: workersSchema } } },
    async () => ({ workers: await workersHere(database) }),
  );
}
