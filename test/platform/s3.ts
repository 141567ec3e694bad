import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort, type Elsewhere } from './postgres.ts';

/** A server that speaks the protocol of S3, with a bucket `tests`, on loopback or elsewhere. */
export class S3Server {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  /** `python` is one with moto. */
  static async start(python: string, elsewhere?: Elsewhere): Promise<S3Server> {
    const port = await freePort();
    const host = elsewhere ? '0.0.0.0' : '127.0.0.1';
    const make = [
      'import sys, threading, time, urllib.request',
      'from moto.server import main',
      'def bucket():',
      '    while True:',
      '        try:',
      `            urllib.request.urlopen(urllib.request.Request('http://127.0.0.1:${port}/tests', method='PUT'))`,
      "            print('ready', flush=True)",
      '            return',
      '        except OSError:',
      '            time.sleep(0.05)',
      'threading.Thread(target=bucket, daemon=True).start()',
      `main(['-H', '${host}', '-p', '${port}'])`,
    ].join('\n');
    const command = [...(elsewhere?.prefix ?? []), python, '-c', make];
    const started = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await Promise.race([once(started.stdout, 'data'), once(started, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(said)) throw new Error(`moto ended with ${String(said)}`);
    return new S3Server(port, started);
  }

  /** Environment of those who use it, by an address of its. */
  env(address = '127.0.0.1'): NodeJS.ProcessEnv {
    return {
      AWS_ENDPOINT_URL: `http://${address}:${this.port}`,
      AWS_ACCESS_KEY_ID: 'tests',
      AWS_SECRET_ACCESS_KEY: 'tests',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    };
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}
