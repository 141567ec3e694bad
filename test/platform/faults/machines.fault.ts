import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../../../plugins/platform/database/open.ts';
import type { Database } from '../../../plugins/platform/database/database.ts';
import { Queue } from '../../../plugins/platform/queue.ts';
import { Runs } from '../../../plugins/platform/runs.ts';
import { pythonWith } from '../../python.ts';
import { owner, PostgresServer } from '../postgres.ts';
import { S3Server } from '../s3.ts';
import { tinyPlan, Watch } from '../worker/fixture.ts';
import { did, steppedPlan } from './site.ts';

const bin = fileURLToPath(new URL('../../../plugins/bin.ts', import.meta.url));
const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });

/** A network namespace: as good as another machine, but for files and clock. */
class Machine {
  readonly name: string;

  constructor(name: string) {
    this.name = `pruningbench-${process.pid}-${name}`;
    const { status, stderr, error } = ip('netns', 'add', this.name);
    if (status !== 0) throw new Error(error?.message ?? stderr.trim());
    this.ip('link', 'set', 'lo', 'up');
  }

  ip(...args: string[]): void {
    const { status, stderr } = ip('-n', this.name, ...args);
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  }

  /** What a command on it begins with, as root or as whom PostgreSQL runs as. */
  prefix(as?: { uid: number; gid: number }): string[] {
    const user = as ? [`--setuid=${as.uid}`, `--setgid=${as.gid}`] : [];
    return ['nsenter', `--net=/run/netns/${this.name}`, ...user, '--'];
  }

  /** A cable between two machines; theirs are the first and the second address of a network. */
  static connect(one: Machine, other: Machine, network: string, cable: string): void {
    one.ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', cable, 'netns', other.name);
    for (const [machine, last] of [
      [one, 1],
      [other, 2],
    ] as const) {
      machine.ip('address', 'add', `${network}.${last}/24`, 'dev', cable);
      machine.ip('link', 'set', cable, 'up');
    }
  }

  remove(): void {
    ip('netns', 'delete', this.name);
  }
}

describe('workers on machines of their own, PostgreSQL and S3 on a third', function () {
  this.timeout(900_000);
  const machines: Machine[] = [];
  const processes: ChildProcess[] = [];
  let hub: Machine;
  let postgres: PostgresServer;
  let s3: S3Server;
  let database: Database;
  let queue: Queue;
  let runs: Runs;
  let watch: Watch;
  let name: string;

  before(async function () {
    const python = pythonWith('moto, flask');
    if (!python) return this.skip();
    try {
      machines.push((hub = new Machine('hub')));
      for (const [i, side] of ['a', 'b'].entries()) {
        machines.push(new Machine(side));
        Machine.connect(hub, machines.at(-1)!, `10.77.${i + 1}`, `to-${side}`);
      }
    } catch (error) {
      console.log(`        skipped: no network namespaces can be made here: ${(error as Error).message}`);
      return this.skip();
    }
    const addresses = ['10.77.1.1', '10.77.2.1'];
    postgres = await PostgresServer.start({ prefix: hub.prefix(owner), addresses });
    s3 = await S3Server.start(python, { prefix: hub.prefix(), addresses });
  });
  beforeEach(async () => {
    const url = await postgres.database();
    name = /\/(test_\w+)/.exec(url)![1]!;
    database = await openDatabase({ url });
    queue = await Queue.open(database, () => {});
    runs = new Runs(database, queue);
    watch = new Watch(database.sql);
  });
  afterEach(async () => {
    for (const process of processes.splice(0)) {
      if (process.exitCode !== null) continue;
      const ended = once(process, 'exit');
      process.kill('SIGKILL');
      await ended;
    }
    await queue?.close();
    await database?.close();
  });
  after(async () => {
    await s3?.stop();
    await postgres?.remove();
    for (const machine of machines) machine.remove();
  });

  /** Starts a command as an operator does; returns what `pattern` finds in its first line. */
  const start = async (machine: Machine, argv: string[], env: NodeJS.ProcessEnv, pattern: RegExp) => {
    const [program, ...args] = [...machine.prefix(), process.execPath, '--import', 'tsx', bin, ...argv];
    const started = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    processes.push(started);
    let said = '';
    started.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const [line] = (await Promise.race([once(started.stdout, 'data'), once(started, 'exit')])) as [unknown];
    return pattern.exec(String(line)) ?? assert.fail(`${argv[0]}: ${String(line)} ${said}`);
  };
  const place = (address: string) => [
    ...['--database-url', `postgres://tests@${address}:${postgres.port}/${name}`, '--store', 's3://tests/lab'],
  ];
  /** Starts a worker; returns its id. */
  const work = async (i: 1 | 2, where: string[], env: NodeJS.ProcessEnv): Promise<string> => {
    const argv = ['worker', ...where, '--threads', '1', '--every', '2'];
    return (await start(machines[i]!, argv, env, /^worker (\S+):/))[1]!;
  };
  type Join = (i: 1 | 2) => Promise<string>;
  /** Joins by database and store. */
  const join: Join = i => work(i, place(`10.77.${i}.1`), s3.env(`10.77.${i}.1`));
  /** Starts a server on the hub, by which workers join that are told nothing else. */
  const serve = async (): Promise<Join> => {
    const argv = ['serve', ...place('10.77.1.1'), '--host', '0.0.0.0', '--port', '0', '--no-worker'];
    const found = await start(hub, argv, s3.env('10.77.1.1'), /:(\d+)\/#token=(\S+)/);
    const [, port, token] = found;
    return i => work(i, ['--server', `http://10.77.${i}.1:${port}`], { PRUNINGBENCH_TOKEN: token });
  };

  it('share a grid', async () => {
    const workers = [await join(1), await join(2)];
    const plan = tinyPlan({ methods: ['random', 'magnitude-l2', 'lamp'], speedups: [1.5, 2] });
    await runs.submit({ title: 'grid', plans: [plan], resources: 'cpu' });
    const all = await watch.done();
    const by = workers.map(id => all.filter(({ worker }) => worker === id).map(({ kind }) => kind));
    did(`a base model and six pruned: ${by.map((kinds, i) => `${kinds.join(', ')} on ${'ab'[i]}`).join('; ')}`);
    assert.deepEqual(
      all.map(({ kind, attempt }) => `${kind} ${attempt}`),
      ['base 1', ...Array.from({ length: 6 }, () => 'pruned 1')],
    );
    assert.ok(
      by.every(kinds => kinds.includes('pruned')),
      'one of them has done all',
    );
  });

  const cutOff = async (join: Join): Promise<void> => {
    const first = await join(1);
    const plan = steppedPlan({ seeds: [5] });
    await runs.submit({ title: 'cut off', plans: [plan], resources: 'cpu' });
    await watch.until(runs => runs[0]!.state === 'running');
    hub.ip('link', 'set', 'to-a', 'down');
    did('took the cable from the machine that trains');
    const second = await join(2);
    await watch.until(runs => runs[0]!.worker === second);
    did('its run was given to the other');
    hub.ip('link', 'set', 'to-a', 'up');
    const all = await watch.done();
    const states = await watch.events<{ state: string }>('state');
    for (const { id } of all)
      assert.equal(
        states.filter(({ run, state }) => run === id && state === 'done').length,
        1,
        `run ${id} ended twice`,
      );
    assert.equal(all[0]!.attempt, 2);
    // it works again
    await runs.submit({ title: 'after', plans: [steppedPlan({ seeds: [6, 7, 8, 9] })], resources: 'cpu' });
    const later = await watch.until(runs => runs.some(({ worker, state }) => worker === first && state === 'done'));
    did(`the first has done ${later.filter(({ worker }) => worker === first).length} of the runs that came after`);
  };

  it('are cut off from the network in the middle of a run, and come back', () => cutOff(join));

  it('that joined through a server are cut off, and come back', async () => cutOff(await serve()));
});
