import { grouped } from '../../../../kernel/grouped.ts';
import { leaderboardsSchema, standingsQuery, standingsSchema } from '../../api.ts';
import type { Api, Parts } from '../server.ts';

/** Who lost least. */
export function leaderboards(api: Api, { boards }: Parts): void {
  api.get(
    '/leaderboards',
    { schema: { summary: 'What leaderboards there are', response: { 200: leaderboardsSchema } } },
    async () => {
      const rows = await boards.rows({});
      const found = grouped(rows, ({ source, model, dataset }) => JSON.stringify([source, model, dataset]));
      return {
        boards: [...found.values()].map(list => {
          const { source, model, dataset } = list[0]!;
          return { source, model, dataset, rows: list.length };
        }),
      };
    },
  );

  api.get(
    '/standings',
    {
      schema: {
        summary: 'Rows of leaderboards, best first within each strategy and speed-up',
        querystring: standingsQuery,
        response: { 200: standingsSchema },
      },
    },
    async ({ query }) => ({ rows: await boards.rows(query) }),
  );
}
