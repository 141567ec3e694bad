import { mkdtemp, rm } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { addBackendFlags, backendChoice } from '../../../kernel/cli/backend-flags.ts';
import type { Describe } from '../../../kernel/cli/command.ts';
import { addFlags, readFlags, type Given } from '../../../kernel/cli/flags.ts';
import { example } from '../../../kernel/cli/help.ts';
import { json } from '../../../kernel/text/json.ts';
import { interrupted } from '../interrupted.ts';
import { Queue } from '../queue.ts';
import { Runs } from '../runs.ts';
import { openStore } from '../store/open.ts';
import { Tokens } from '../tokens.ts';
import { resourceNames, scopes } from '../vocabulary.ts';
import { DirectOffice } from '../worker/direct-office.ts';
import { Supervisor } from '../worker/supervisor.ts';
import { isLoopback } from './guard.ts';
import { usualLimits } from './limits.ts';
import { databaseAt, placeOptions } from './place.ts';
import { createServer } from './server.ts';

const serveOptions = placeOptions.extend({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('address to listen on; others than those of this machine need a token'),
  port: z.int().min(0).max(65_535).default(8080).describe('port to listen on, 0 for any that is free'),
  store: z
    .string()
    .optional()
    .describe('where files are kept: a folder (default: in that of the data) or s3://bucket/prefix'),
  allowHost: z
    .array(z.string())
    .default([])
    .describe('names by which browsers call the server, as behind a proxy; it asks for a token then'),
  resources: z.enum(resourceNames).default('cpu').describe('the runs that its own worker takes'),
  rate: z
    .int()
    .positive()
    .default(usualLimits.requests)
    .describe('requests that one address may make in a minute; to one place that change something, a tenth'),
});

/** Serves the platform until it is interrupted. */
export const serve: Describe = async (command, { io, catalogue, plugins, version }) => {
  const known = await catalogue();
  addFlags(command, serveOptions);
  addBackendFlags(command, known);
  command
    .option('--require-token', 'ask for a token on this machine, too, as where several people use it')
    .option('--no-worker', 'start no worker: others take the runs');
  example(
    command,
    'pruningbench serve',
    'pruningbench serve --database-url postgres://lab@db.example/pruningbench --store /shared/pruningbench --host 0.0.0.0 --no-worker',
  );
  command.action(async (given: Given) => {
    const { host, port, store: where, allowHost: hosts, resources, rate, ...place } = readFlags(serveOptions, given);
    const compute = backendChoice(known, given);
    const say = (line: string): void => io.err(`${new Date().toISOString()} ${line}\n`);
    const loopback = isLoopback(host);
    const ends: (() => Promise<unknown>)[] = [];
    try {
      const database = await databaseAt(place, io);
      ends.push(() => database.close());
      const queue = await Queue.open(database, error => say(`queue: ${error.message}`));
      ends.push(() => queue.close());
      const runs = new Runs(database, queue);
      const store = await openStore(where ?? join(resolve(place.data), 'store'));
      const folder = await mkdtemp(join(tmpdir(), 'pruningbench-serve-'));
      ends.push(() => rm(folder, { recursive: true, force: true }));
      const tokens = !loopback || hosts.length > 0 || given['requireToken'] === true;
      const app = createServer({
        ...{ database, queue, runs, store, catalogue: known, plugins, version, folder, loopback, tokens, hosts },
        limits: { requests: rate, changes: Math.ceil(rate / 10) },
        logger: { level: 'warn', stream: { write: (line: string) => io.err(line) } },
      });
      ends.push(() => app.close());
      const address = await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE')
          throw new Error(`port ${port} of ${host} is taken: give another with --port, 0 for any that is free`);
        throw error;
      });
      const { port: taken } = new URL(address);
      const url = `http://${isIPv6(host) ? `[${host}]` : host === '0.0.0.0' ? 'localhost' : host}:${taken}/`;
      const token = tokens ? await firstToken(new Tokens(database)) : undefined;
      const link = token === undefined ? url : `${url}#token=${token}`;
      // before whoever reads it may end it
      const end = interrupted(io);
      io.out(given['json'] ? json({ url, ...(token === undefined ? {} : { token }) }) : `${link}\n`);
      if (tokens && token === undefined)
        say('a token is asked for: those made before are good, `pruningbench token create` makes others');
      if (given['worker'] !== false) {
        const own = join(resolve(place.data), 'worker');
        const office = new DirectOffice({ database, queue, runs, store });
        const parts = { office, resources, folder: own, version, plugins, compute, say };
        const worker = await Supervisor.start(parts);
        ends.push(() => worker.stop());
      }
      await end;
      say('stopping');
    } finally {
      for (const end of ends.reverse()) await end().catch((error: Error) => say(error.message));
    }
  });
};

/** A token for everything, where there is none yet. */
async function firstToken(tokens: Tokens): Promise<string | undefined> {
  const good = (await tokens.list()).some(
    ({ revoked, scopes: own }) => !revoked && scopes.every(scope => own.includes(scope)),
  );
  return good ? undefined : (await tokens.create('made at the first start', scopes)).token;
}
