import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Watching } from './live.ts';

/** Milliseconds after which who does not read what was sent is given up. */
const patience = 60_000;

/** Answers with server-sent events, for as long as they come and are read. */
export function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  events: (watching: Watching) => AsyncIterable<string>,
  wait = patience,
): FastifyReply {
  const controller = new AbortController();
  const may = () => request.stillMay();
  const stream = Readable.from(read(events({ signal: controller.signal, may })), {
    objectMode: false,
    highWaterMark: 2 ** 16,
  });
  const end = () => {
    controller.abort();
    stream.destroy();
  };
  request.raw.socket.on('close', end);
  stream.on('close', () => request.raw.socket.off('close', end));
  return reply
    .headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
    .send(stream);

  async function* read(source: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const text of source) {
      const late = setTimeout(() => request.raw.socket.destroy(), wait);
      try {
        yield text;
      } finally {
        clearTimeout(late);
      }
    }
  }
}
