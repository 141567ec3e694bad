import { canonical } from '../../../../kernel/bench/record.ts';
import { runsOf } from '../../../../kernel/bench/plan.ts';
import { submissionRequest, submissionSchema, submissionsQuery, submissionsSchema } from '../../api.ts';
import { refusePaths } from '../check.ts';
import { notFound, Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { byId, noBody } from './by-id.ts';

/** What people have sent. */
export function submissions(api: Api, { database, runs, reader, checker, limits }: Parts): void {
  const one = async (id: string) => {
    const found = await reader.submission(id);
    if (!found) throw notFound(`submission ${id}`);
    return found;
  };

  api.post(
    '/submissions',
    {
      schema: {
        summary: 'Sends plans to be run; the same key again is not taken twice',
        body: submissionRequest,
        response: { 200: submissionSchema, 201: submissionSchema },
      },
    },
    async ({ body }, reply) => {
      const { key, plans, resources } = body;
      for (const [i, plan] of plans.entries()) refusePaths(plan, `plans.${i}`);
      const known = key === undefined ? undefined : await idOf(key);
      if (known === undefined) {
        const total = plans.reduce((sum, plan) => sum + runsOf(plan), 0);
        const [open] = await database.sql<{ number: number }>(
          `select count(*)::int as number from pruningbench.runs where state in ('waiting', 'queued', 'running')`,
        );
        if (total > limits.openRuns)
          throw new Refused(400, `${total} runs, a submission may have ${limits.openRuns}`, { field: 'plans' });
        if (open!.number + total > limits.openRuns)
          throw new Refused(429, `${open!.number} runs are open already, with these there would be too many`, {
            retryAfter: 60,
          });
        for (const [i, plan] of plans.entries()) {
          const { problems } = await checker.check(plan, resources);
          const [first] = problems;
          if (first) throw new Refused(400, first.message, { field: `plans.${i}.${first.path}` });
        }
      }
      const { id, again } = await runs.submit(body);
      const submission = await one(id);
      if (again && canonical(submission.plans) !== canonical(plans))
        throw new Refused(409, `submission ${id} has this key and other plans`, { field: 'key' });
      return reply.code(again ? 200 : 201).send(submission);
    },
  );

  const idOf = async (key: string): Promise<string | undefined> => {
    const [row] = await database.sql<{ id: string }>('select id from pruningbench.submissions where key = $1', [key]);
    return row?.id;
  };

  api.get(
    '/submissions',
    {
      schema: {
        summary: 'What was sent, newest first',
        querystring: submissionsQuery,
        response: { 200: submissionsSchema },
      },
    },
    ({ query }) => reader.submissions(query),
  );

  api.get(
    '/submissions/:id',
    { schema: { summary: 'One of them', params: byId, response: { 200: submissionSchema } } },
    ({ params: { id } }) => one(id),
  );

  api.post(
    '/submissions/:id/cancel',
    {
      schema: {
        summary: 'Ends its runs that have not ended, and the trainings that nobody else waits for',
        params: byId,
        body: noBody,
        response: { 200: submissionSchema },
      },
    },
    async ({ params: { id } }) => {
      await one(id);
      const open = await database.sql<{ id: string }>(
        `select id from pruningbench.runs
         where submission = $1 and kind = 'pruned' and state in ('waiting', 'queued', 'running') order by position`,
        [id],
      );
      for (const run of open) await runs.cancel(run.id);
      return one(id);
    },
  );
}
