/**
 * `npm run test:fuzz`: schemathesis asks running servers for all that the OpenAPI document says, and for what it does not
 * allow: an empty one, one with runs and models, and one that asks for a token, without and with a wrong one. An answer
 * that is a server error, or is not as the document says, is a finding; with findings it ends with 1. `--seed N` asks the
 * same again. Needs Python 3.10; test/fuzz/setup.sh makes the environment.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { catalogue } from '../../plugins/catalogue.ts';
import { onnx } from '../../plugins/formats/index.ts';
import { openDatabase } from '../../plugins/platform/database/open.ts';
import { Queue } from '../../plugins/platform/queue.ts';
import { Runs } from '../../plugins/platform/runs.ts';
import { artifactKey } from '../../plugins/platform/store/store.ts';
import { openStore } from '../../plugins/platform/store/open.ts';
import { Tokens } from '../../plugins/platform/tokens.ts';
import { claim, finish, planOf, recordFor } from '../platform/servers.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const { values: given } = parseArgs({ options: { seed: { type: 'string' } } });
const seed = given.seed ?? String(Math.floor(Math.random() * 2 ** 32));
const schemathesis = execFileSync('bash', [join(here, 'setup.sh')], { encoding: 'utf8' }).trim();

/** Ids of what a folder has been filled with. */
interface Filled {
  readonly done: string;
  readonly queued: string;
  readonly submission: string;
  readonly token: string;
  readonly tokenId: string;
}

/** Fills the data folder of a server: a base model and a pruned one that are done, with files, two runs yet to come. */
async function fill(data: string): Promise<Filled> {
  const database = await openDatabase({ folder: join(data, 'database') });
  const queue = await Queue.open(database, error => console.error(error));
  try {
    const runs = new Runs(database, queue);
    const store = await openStore(join(data, 'store'));
    const { id: submission } = await runs.submit({
      title: 'fuzz',
      plans: [planOf({ seeds: [0, 1] })],
      resources: 'cpu',
    });
    const server = { queue, runs };
    await finish(server);
    const queued = await claim(server);
    await runs.finish(queued.run, queued.ticket, { state: 'failed', reason: 'to be retried' });
    const { run, ticket } = await claim(server);
    const file = join(data, 'file');
    for (const name of ['record.json', 'model.onnx', 'models/last.safetensors']) {
      const text = JSON.stringify({ name });
      await writeFile(file, text);
      const sha256 = createHash('sha256').update(text).digest('hex');
      await store.put(artifactKey(run.id, sha256), file);
      await runs.saved(run, { name, bytes: text.length, sha256 });
    }
    await runs.report(run, { stage: 'finetune', fraction: 1 }, [
      { kind: 'epoch', data: { stage: 'finetune', epoch: 1, loss: 0.5, learningRate: 0.1, score: 0.6, seconds: 2 } },
      { kind: 'log', data: { line: 'done' } },
    ]);
    await runs.finish(run, ticket, { state: 'done', result: recordFor(run, 0.75) });
    const tokens = new Tokens(database);
    const { token } = await tokens.create('fuzz', ['read', 'submit', 'work']);
    const { id: tokenId } = await tokens.create('to be revoked', ['read']);
    return { done: run.id, queued: queued.run.id, submission, token, tokenId };
  } finally {
    await queue.close();
    await database.close();
  }
}

/** Starts `pruningbench serve` without a worker, so that nothing trains, and keeps its OpenAPI document. */
async function serve(
  data: string,
  more: readonly string[],
  token = '',
): Promise<{ url: string; child: ChildProcess; said(): string }> {
  const bin = [join(root, 'plugins', 'bin.ts'), 'serve', '--data', data, '--port', '0', '--no-worker'];
  const child = spawn(process.execPath, ['--import', 'tsx', ...bin, '--rate', '100000000', '--json', ...more], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit').then(() => Promise.reject(new Error(`the server ended: ${said}`)));
  ended.catch(() => {});
  let line = '';
  for await (line of createInterface(child.stdout)) if (line.includes('"url"')) break;
  const url = /"url": *"([^"]+)"/.exec(line)![1]!;
  const headers = { authorization: `Bearer ${token}` };
  await writeFile(join(folder, 'openapi.json'), await (await fetch(`${url}api/openapi.json`, { headers })).text());
  return { url, child, said: () => said };
}

/** Checks of schemathesis that say nothing of an operation, by its path, each with the reason. */
const besides: readonly { path: string; checks: readonly string[]; why: string }[] = [
  {
    path: '/api/check',
    checks: ['positive_data_acceptance'],
    why: 'paths and control characters in options are refused',
  },
  {
    path: '/api/submissions',
    checks: ['positive_data_acceptance'],
    why: 'plugins say what can be run, no schema does',
  },
  {
    path: '/api/work/finish',
    checks: ['positive_data_acceptance'],
    why: 'control characters in options of a record are refused',
  },
  { path: '/api/models', checks: ['positive_data_acceptance'], why: 'no schema says which bytes are a model' },
];

/** Configuration of schemathesis: ids that are there for some operations, and what is left out. */
function configuration(known: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const lines = besides.flatMap(({ path, checks, why }) => [
    `# ${why}`,
    '[[operations]]',
    `include-path = "${path}"`,
    ...checks.map(check => `checks.${check}.enabled = false`),
  ]);
  for (const [path, parameters] of Object.entries(known))
    lines.push(
      '[[operations]]',
      `include-path = "${path}"`,
      `parameters = { ${Object.entries(parameters)
        .map(([name, value]) => `"${name}" = "${value}"`)
        .join(', ')} }`,
    );
  return `${lines.join('\n')}\n`;
}

/** Lets schemathesis ask; returns whether it found nothing. */
async function ask(
  pass: string,
  url: string,
  config: string,
  examples: number,
  more: readonly string[],
): Promise<boolean> {
  console.log(`\n# ${pass}: ${url}`);
  const [file, document] = [join(folder, 'schemathesis.toml'), join(folder, 'openapi.json')];
  await writeFile(file, config);
  const args = [
    ...['--config-file', file, 'run', document, '--url', url, '--continue-on-failure'],
    ...['--max-examples', String(examples), '--seed', seed, '--request-timeout', '60', '--warnings', 'off'],
    ...['--generation-database', 'none', '--no-color', ...more],
  ];
  const child = spawn(schemathesis, args, {
    cwd: folder,
    env: { ...process.env, SCHEMATHESIS_HOOKS: join(here, 'hooks.py'), PRUNINGBENCH_FUZZ: pass, PYTHONUTF8: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 600_000,
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (signal) console.log(`${pass}: it took more than ten minutes`);
  return code === 0;
}

/** Streams do not end, which schemathesis waits for; test/platform/server-events.test.ts has them. */
const withoutStreams = ['--exclude-path-regex', '/events$'];
const folder = await mkdtemp(join(tmpdir(), 'pruningbench-fuzz-'));
const began = performance.now();
const passes: [string, boolean][] = [];
let server: Awaited<ReturnType<typeof serve>> | undefined;
const stop = async () => {
  if (server?.child.exitCode !== null) return;
  server.child.kill('SIGTERM');
  await once(server.child, 'exit');
  if (server.said().includes('"level":50')) console.log(`the server's log:\n${server.said()}`);
};
try {
  server = await serve(join(folder, 'empty'), []);
  passes.push(['empty', await ask('empty', server.url, configuration({}), 25, withoutStreams)]);
  await stop();

  const data = join(folder, 'filled');
  const { done, queued, submission, token, tokenId } = await fill(data);
  server = await serve(data, ['--require-token'], token);
  const bearer = (value: string) => ['--header', `Authorization: Bearer ${value}`];
  const zoo = catalogue.models.find(({ id }) => id === 'resnet18')!;
  const bytes = onnx.write(zoo.build(zoo.options.parse({ width: 0.125, classes: 10 })));
  const uploaded = await fetch(`${server.url}api/models?name=fuzz`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
  const { id: model } = (await uploaded.json()) as { id: string };
  const run = { 'path.id': done };
  const filled = configuration({
    '/api/runs/{id}': run,
    '/api/runs/{id}/log': run,
    '/api/runs/{id}/curves.csv': run,
    '/api/runs/{id}/notebook.ipynb': run,
    '/api/runs/{id}/files/{name}': { ...run, 'path.name': 'record.json' },
    '/api/runs/{id}/cancel': { 'path.id': queued },
    '/api/runs/{id}/retry': { 'path.id': queued },
    '/api/submissions/{id}': { 'path.id': submission },
    '/api/submissions/{id}/cancel': { 'path.id': submission },
    '/api/models/{id}/file': { 'path.id': model },
    '/api/tokens/{id}': { 'path.id': tokenId },
  });
  passes.push(['filled', await ask('filled', server.url, filled, 20, [...withoutStreams, ...bearer(token)])]);
  for (const [pass, more] of [
    ['no token', []],
    ['a wrong token', bearer('pb_x')],
  ] as const)
    passes.push([pass, await ask(pass, server.url, configuration({}), 3, more)]);
} finally {
  await stop();
  await rm(folder, { recursive: true, force: true });
}
const seconds = Math.round((performance.now() - began) / 1000);
console.log(`\n${passes.map(([pass, good]) => `${pass}: ${good ? 'nothing found' : 'FOUND SOMETHING'}`).join('\n')}`);
console.log(`in ${seconds} seconds; --seed ${seed} asks the same again`);
process.exitCode = passes.every(([, good]) => good) ? 0 : 1;
