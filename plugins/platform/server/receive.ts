import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes what comes in to a new file; returns its SHA-256 and size. Throws `tooLarge()` as soon as it is more than `most`
 * bytes.
 */
export async function receive(
  body: Readable,
  path: string,
  most: number,
  tooLarge: () => Error,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    // left open where it is not taken, so that the answer still reaches whoever sends
    body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > most) throw tooLarge();
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  return { sha256: hash.digest('hex'), bytes };
}
