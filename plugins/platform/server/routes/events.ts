import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { notFound, Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { sendEvents } from '../sse.ts';
import { byId } from './by-id.ts';

const query = z.strictObject({ after: z.coerce.number().min(0).max(Number.MAX_SAFE_INTEGER).optional() });
const stream = {
  200: { description: 'Server-sent events', content: { 'text/event-stream': { schema: z.string() } } },
};

/** What happens, as it happens. */
export function events(api: Api, { reader, live, limits }: Parts): void {
  const refuseMany = () => {
    if (live.watchers >= limits.watchers) throw new Refused(503, `${live.watchers} watch already`, { retryAfter: 30 });
  };
  /** Where who has watched before goes on. */
  const placeOf = ({ headers }: FastifyRequest, after: number | undefined): number | undefined => {
    const last = Number(headers['last-event-id'] ?? NaN);
    return last >= 0 && last <= Number.MAX_SAFE_INTEGER ? last : after;
  };

  api.get(
    '/events',
    { schema: { summary: 'Changes of all runs', querystring: query, response: stream } },
    async (request, reply) => {
      refuseMany();
      const again = placeOf(request, request.query.after) !== undefined;
      return sendEvents(request, reply, watching => live.all(again, watching));
    },
  );

  api.get(
    '/runs/:id/events',
    { schema: { summary: 'What happens to a run', params: byId, querystring: query, response: stream } },
    async (request, reply) => {
      refuseMany();
      const { id } = request.params;
      if (!(await reader.info(id))) throw notFound(`run ${id}`);
      const after = placeOf(request, request.query.after) ?? 0;
      return sendEvents(request, reply, watching => live.run(id, after, watching));
    },
  );
}
