import { catalogueSchema, checkRequest, checkSchema } from '../../api.ts';
import { catalogueInfo } from '../catalogue-info.ts';
import { refusePaths } from '../check.ts';
import type { Api, Parts } from '../server.ts';
import { countWorkers } from '../workers.ts';

/** What can be chosen, and what a choice would be. */
export function catalogue(api: Api, { catalogue, version, database, checker }: Parts): void {
  api.get(
    '/catalogue',
    { schema: { summary: 'Everything that can be chosen', response: { 200: catalogueSchema } } },
    async () => ({ ...catalogueInfo(catalogue, version), workers: await countWorkers(database) }),
  );

  api.post(
    '/check',
    { schema: { summary: 'What a plan would be', body: checkRequest, response: { 200: checkSchema } } },
    async ({ body: { plan, resources } }) => {
      refusePaths(plan, 'plan');
      return checker.check(plan, resources);
    },
  );
}
