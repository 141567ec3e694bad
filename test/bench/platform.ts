/*
 * The platform under load, on its two databases one after the other: 10,000 queued runs, workers that train nothing and
 * report, watchers of live events, people who look at lists, all on this machine. Says how long answers took and whether
 * the server's memory stayed flat. Times are those of whoever asks; "quiet" is a server with nothing else to do.
 * Run: npm run bench:platform [-- runs=10000] [watchers=50] [workers=20] [seconds=60] [databases=pglite,postgres]
 */
import { Agent, request } from 'node:http';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile as quantileOfSorted } from '../../kernel/bench/statistics.ts';
import { table } from '../../kernel/text/table.ts';
import { EventStream, type ServerEvent } from '../platform/event-stream.ts';
import { PostgresServer } from '../platform/postgres.ts';
import { Remote } from '../platform/remote.ts';
import { planOf } from '../platform/servers.ts';
import { perSecond } from './per-second.ts';
import type { Calls } from './platform-server.ts';

const argument = (name: string, otherwise: string) =>
  process.argv.find(a => a.startsWith(`${name}=`))?.slice(name.length + 1) ?? otherwise;
const runs = Number(argument('runs', '10000'));
const watchers = Number(argument('watchers', '50'));
const workers = Number(argument('workers', '20'));
const seconds = Number(argument('seconds', '60'));
const databases = argument('databases', 'pglite,postgres').split(',');

const quantile = (values: readonly number[], share: number) =>
  quantileOfSorted(
    values.toSorted((a, b) => a - b),
    share,
  );
const timed = async (work: () => Promise<unknown>) => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** Somebody who asks the server, over one connection that is kept. */
class Person {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  ask<Body>(path: string, body?: unknown): Promise<Body> {
    return new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const asked = request(`${this.#url}/api${path}`, { agent: this.#agent, method, headers }, response => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (response.statusCode! < 300) resolve((text === '' ? undefined : JSON.parse(text)) as Body);
          else reject(new Error(`${method} ${path}: ${response.statusCode}: ${text}`));
        });
      });
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface List {
  readonly runs: readonly { readonly id: string; readonly submission: string }[];
  readonly next: string | null;
}

/** Paths of what people look at. */
async function pages(person: Person): Promise<Readonly<Record<string, string>>> {
  let after = '';
  // halfway through, as who scrolls down gets there
  for (let page = 0; page < runs / 200; page++) {
    const { next } = await person.ask<List>(`/runs?limit=100${after}`);
    if (next === null) break;
    after = `&after=${next}`;
  }
  const [run] = (await person.ask<List>('/runs?limit=1')).runs;
  return {
    'runs, first page': '/runs?limit=50',
    'runs, halfway': `/runs?limit=50${after}`,
    'runs, queued': '/runs?limit=50&state=queued',
    'runs, done': '/runs?limit=50&state=done',
    'runs of a submission': `/runs?limit=50&submission=${run!.submission}`,
    submissions: '/submissions?limit=50',
    run: `/runs/${run!.id}`,
    leaderboard: '/standings?source=runs',
  };
}

/** A hundred runs for each seed. */
const hundred = {
  methods: 'random magnitude-l1 magnitude-l2 bn-scale lamp fpgm taylor obd-c hrank thinet'.split(' '),
  strategies: ['protected-global', 'local'],
  speedups: [1.5, 2, 3, 4, 8],
};

interface Figures {
  readonly lists: Map<string, number[]>;
  readonly rows: [what: string, value: string][];
}

async function measure(kind: string, url: string | undefined): Promise<Figures> {
  const server = new Remote<Calls>(
    new URL('./platform-server.ts', import.meta.url),
    { url },
    { execArgv: ['--expose-gc'] },
  );
  await server.ready;
  const { url: address } = await server.call('address');
  const person = new Person(address);
  const lists = new Map<string, number[]>();
  const look = async (who: Person, when: string, what: string, path: string) => {
    const name = `${what}; ${when}`;
    lists.set(name, [...(lists.get(name) ?? []), await timed(() => who.ask(path))]);
  };
  const lookAtAll = async (when: string) => {
    // a connection that was idle for long may be closed
    const who = new Person(address);
    for (const [what, path] of Object.entries(await pages(who)))
      for (let i = 0; i < 20; i++) await look(who, when, what, path);
    who.close();
  };

  const stage = (what: string) => console.error(`${kind}: ${what}`);
  stage(`${runs} runs are sent`);
  // grids, as people send them; the base models are there, so that all is queued
  const submit = (title: string, changes: Parameters<typeof planOf>[0]) =>
    person.ask('/submissions', { title, plans: [planOf(changes)] });
  const seeds = Array.from({ length: runs / 100 }, (_, i) => i);
  await submit('base models', { seeds });
  await server.call('drain', 1);
  const submitting: number[] = [];
  for (let from = 0; from < seeds.length; from += 10) {
    const grid = { ...hundred, seeds: seeds.slice(from, from + 10) };
    submitting.push(await timed(() => submit(`grid ${from}`, grid)));
  }
  stage('somebody looks at them');
  await lookAtAll(`${runs} queued, quiet`);

  const streams: EventStream[] = [];
  const delays: number[] = [];
  /** `since`: what was told before somebody watched is no news. */
  const hear = ({ event, data }: ServerEvent, since: number) => {
    const at = event === 'log' && Number(/^at (\d+)$/.exec((data as { line: string }).line)?.[1]);
    if (at && at > since) delays.push(Date.now() - at);
  };
  const watch = (path: string, heard: (event: ServerEvent) => void) => {
    streams.push(new EventStream(`${address}/api${path}`, {}, heard));
  };
  let changes = 0;
  const half = Math.floor(watchers / 2);
  for (let i = 0; i < half; i++) watch('/events', () => changes++);
  await server.call('work', workers, 10, 10);
  // the others watch runs, and go on to the next when one has ended
  const follow = async (index: number): Promise<void> => {
    const { runs } = await person.ask<List>(`/runs?limit=${Math.min(100, workers)}&state=running`);
    const run = runs[index % Math.max(1, runs.length)];
    if (!run) return;
    const since = Date.now();
    watch(`/runs/${run.id}/events`, event => {
      hear(event, since);
      if (event.event === 'run' && (event.data as { state: string }).state === 'done' && !over)
        void follow(index).catch(() => {});
    });
  };
  let over = false;
  await sleep(1000);
  for (let i = half; i < watchers; i++) await follow(i);

  stage(`load for ${seconds} s`);
  const memory = [await server.call('memory')];
  const people = Array.from({ length: 5 }, () => new Person(address));
  const there = Object.entries(await pages(person));
  const until = performance.now() + 1000 * seconds;
  const looking = people.map(async (who, i) => {
    for (let turn = i; performance.now() < until; turn++) {
      await sleep(1000);
      await look(who, 'under load', ...there[turn % there.length]!);
    }
  });
  while (performance.now() < until) {
    await sleep(10_000);
    memory.push(await server.call('memory'));
  }
  await Promise.all(looking);
  over = true;
  const reported = await server.call('rest');
  for (const stream of streams) stream.close();

  stage('what workers ask, as fast as it goes');
  const asking = Math.min(20, workers);
  const costs = await server.call('costs', asking, 5);
  const remote = await Promise.all(
    Array.from({ length: asking }, async () => {
      const held = await server.call('hold');
      const report = { ...held, progress: { stage: 'finetune', fraction: 0.5 } };
      const events = [{ kind: 'log', data: { line: 'a line' } }];
      const who = new Person(address);
      let from = 0;
      return { who, held, ask: () => who.ask('/work/report', { ...report, events, from: from++ }) };
    }),
  );
  costs['reports, through the server'] = await perSecond(
    remote.map(({ ask }) => ask),
    5,
  );
  for (const { who, held } of remote) {
    await who.ask('/work/finish', { ...held, outcome: { state: 'failed', reason: 'measured' } });
    who.close();
  }

  stage('the rest is done as fast as it goes');
  let drained = 0;
  const draining = await timed(async () => (drained = await server.call('drain', workers)));
  await lookAtAll(`${runs} done, quiet`);
  await server.call('close');
  person.close();
  for (const who of people) who.close();
  await server.kill();

  const third = Math.ceil(memory.length / 3);
  const mean = (part: typeof memory, key: 'js' | 'resident') =>
    (part.reduce((sum, now) => sum + now[key], 0) / part.length).toFixed(0);
  const flat = (key: 'js' | 'resident') =>
    `${mean(memory.slice(0, third), key)} to ${mean(memory.slice(-third), key)} MB`;
  const lists95 = (when: RegExp) => {
    const times = [...lists].filter(([name]) => when.test(name) && !name.startsWith('leaderboard'));
    return `${quantile(
      times.flatMap(([, list]) => list),
      0.95,
    ).toFixed(0)} ms`;
  };
  return {
    lists,
    rows: [
      ['submitting 1000 runs, median', `${quantile(submitting, 0.5).toFixed(0)} ms`],
      ['list pages, quiet, 95th percentile', lists95(/quiet$/)],
      ['list pages, under load, 95th percentile', lists95(/under load$/)],
      ['from report to watcher of the run, median', `${quantile(delays, 0.5).toFixed(0)} ms`],
      ['from report to watcher of the run, 95th percentile', `${quantile(delays, 0.95).toFixed(0)} ms`],
      ['events that watchers of a run were told', String(delays.length)],
      ['changes that watchers of all were told', String(changes)],
      [`runs under load, of ${workers} workers, 10 s and 10 reports each`, String(reported)],
      ['memory under load, JavaScript, first third to last', flat('js')],
      ['memory under load, resident, first third to last', flat('resident')],
      ...Object.entries(costs).map(([what, rate]): [string, string] => [what, `${rate.toFixed(0)} a second`]),
      ['runs taken, begun and ended', `${((1000 * drained) / draining).toFixed(0)} a second`],
      ['runs done in all', String(reported + drained)],
    ],
  };
}

const figures = new Map<string, Figures>();
for (const kind of databases) {
  const postgres = kind === 'postgres' ? await PostgresServer.start() : undefined;
  figures.set(kind, await measure(kind, await postgres?.database()));
  await postgres?.remove();
}
const all = [...figures.values()];
console.log(
  `${runs} runs, ${watchers} watchers, ${workers} workers, 5 people who look at a page each second, for ${seconds} s; ` +
    `${cpus().length} x ${cpus()[0]!.model.trim()}, node ${process.versions.node}\n`,
);
console.log(
  table(
    ['answers, ms', ...databases.flatMap(kind => [`${kind}: median`, '95 %'])],
    [...all[0]!.lists.keys()].map(name => [
      name,
      ...all.flatMap(({ lists }) => [0.5, 0.95].map(q => quantile(lists.get(name) ?? [], q).toFixed(0))),
    ]),
  ),
);
console.log(
  table(
    ['', ...databases],
    all[0]!.rows.map(([what], i) => [what, ...all.map(({ rows }) => rows[i]![1])]),
  ),
);
