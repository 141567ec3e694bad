import type { FastifyError, FastifyInstance } from 'fastify';
import { Refused } from './refused.ts';

/** Makes every answer that is an error of one form; of what went wrong within, only the log tells. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler(async (error: FastifyError | Refused, _request, reply) => {
    if (error instanceof Refused) {
      const { field, retryAfter, name } = error.more;
      if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
      if (error.status === 401) reply.header('www-authenticate', 'Bearer');
      const more = { ...(field === undefined ? {} : { field }), ...(name === undefined ? {} : { name }) };
      return reply.code(error.status).send({ error: error.message, ...more });
    }
    const { statusCode = 500, code, message } = error;
    // what the framework says of a request is about the request only
    if (statusCode >= 400 && statusCode < 500 && code?.startsWith('FST_'))
      return reply.code(statusCode).send({ error: message });
    app.log.error(error);
    return reply.code(500).send({ error: 'something went wrong on the server; its log says what' });
  });
}
