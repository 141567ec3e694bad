import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import type { Plan } from '../../../kernel/bench/plan.ts';
import type { tokenInfo } from '../../../plugins/platform/api.ts';
import {
  checkRequest,
  checkSchema,
  curveColumns,
  groupsSchema,
  layersSchema,
  leaderboardsSchema,
  listEvent,
  modelInfo,
  modelsSchema,
  runDetail,
  runEvent,
  runInfo,
  runsQuery,
  runsSchema,
  newToken,
  sessionRequest,
  sessionSchema,
  tokenRequest,
  tokensSchema,
  workersSchema,
  standingsQuery,
  standingsSchema,
  submissionRequest,
  submissionSchema,
  submissionsSchema,
  type ModelInfo,
  type RunDetail,
  type RunEvent,
  type RunInfo,
  type SubmissionInfo,
} from '../../../plugins/platform/api.ts';
import { expand } from '../../../plugins/platform/expand.ts';
import { runStates, uploadPrefix, type RunState } from '../../../plugins/platform/vocabulary.ts';
import { catalogueInfo, check, entryRows, paperRows, prunedFiles, records, standingsOf } from './material.ts';

/** What pages may do on the real server. */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'";

const folder = fileURLToPath(new URL('../../../dist/plugins/platform/web/', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface Stored {
  info: RunDetail;
  readonly events: { readonly seq: number; readonly event: RunEvent }[];
  readonly log: string[];
}

type Answer = readonly [status: number, body: unknown, schema?: z.ZodType];
class Refusal extends Error {
  readonly status: number;
  readonly field: string | undefined;
  constructor(status: number, message: string, field?: string) {
    super(message);
    this.status = status;
    this.field = field;
  }
}

/**
 * A server that says what the platform says, typed by the API and held against its schemas, without a database or
 * workers: tests tell it what happens to runs.
 */
export class Fixture {
  readonly runs = new Map<string, Stored>();
  readonly submissions = new Map<string, SubmissionInfo>();
  readonly models: ModelInfo[] = [];
  readonly tokens: z.infer<typeof tokenInfo>[] = [];
  /** Bodies of what was submitted, in the order in which they came. */
  readonly received: z.infer<typeof submissionRequest>[] = [];
  /** Wanted by the server, where there is one. */
  token: string | undefined;
  /** What the next request of a path is refused with. */
  readonly refuse = new Map<string, { status: number; error: string; field?: string }>();
  readonly #keys = new Map<string, string>();
  readonly #server: Server;
  readonly #streams = new Map<ServerResponse, (run: Stored, seq: number, event: RunEvent) => void>();
  #seq = 0;
  #minutes = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#handle(request, response));
  }

  static async start(port = 0): Promise<Fixture> {
    const fixture = new Fixture();
    await new Promise<void>(resolve => fixture.#server.listen(port, '127.0.0.1', resolve));
    return fixture;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }

  // --- what happens ------------------------------------------------------------------------------------------------

  submit(request: z.input<typeof submissionRequest>): SubmissionInfo {
    const { key, title, plans, resources } = submissionRequest.parse(request);
    const known = key === undefined ? undefined : this.#keys.get(key);
    if (known !== undefined) return this.submissions.get(known)!;
    const id = newId();
    if (key !== undefined) this.#keys.set(key, id);
    const created = this.#now();
    this.submissions.set(id, { id, title, created, plans, states: {} as SubmissionInfo['states'] });
    const byKey = new Map<string, string>();
    for (const { kind, key: own, plan, needs } of plans.flatMap(plan => expand(plan, resources))) {
      if (byKey.has(own)) continue;
      const run = newId();
      byKey.set(own, run);
      const need = needs === undefined ? undefined : byKey.get(needs);
      const info: RunDetail = {
        ...{ id: run, kind, submission: id, title, model: plan.model, dataset: plan.dataset },
        ...{
          method: plan.methods[0]!,
          strategy: plan.strategies[0]!,
          speedup: plan.speedups[0]!,
          seed: plan.seeds[0]!,
        },
        ...{ protocol: plan.protocol.name, resources, state: need ? 'waiting' : 'queued' },
        ...{ reason: null, ahead: null, attempt: 0, progress: null, created, started: null, finished: null },
        ...{ scores: null, plan, needs: need ?? null, record: null, files: [] },
      };
      this.runs.set(run, { info, events: [], log: [] });
    }
    this.#changed(id);
    return this.submissions.get(id)!;
  }

  /** A worker takes a run. */
  begin(id: string): void {
    const { info } = this.#run(id);
    this.#set(id, {
      state: 'running',
      reason: null,
      attempt: info.attempt + 1,
      started: info.started ?? this.#now(),
      progress: { stage: info.kind === 'base' ? 'base' : 'prune', fraction: 0 },
    });
    this.log(id, `attempt ${info.attempt + 1} on worker w1`);
  }

  epoch(
    id: string,
    stage: string,
    epoch: number,
    epochs: number,
    score: number,
    loss = 2.2 * Math.exp(-epoch / 3),
  ): void {
    const { attempt } = this.#run(id).info;
    const at = this.#now();
    const learningRate = 0.1 * (0.5 + 0.5 * Math.cos((Math.PI * epoch) / epochs));
    const data = { stage, epoch, loss, learningRate, score, seconds: 11.5, at, attempt };
    this.#event(id, { event: 'epoch', data });
    this.#set(id, {
      progress: { stage, fraction: epoch / epochs, epoch, epochs, loss, secondsLeft: 11.5 * (epochs - epoch) },
    });
    this.log(
      id,
      `${stage} epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}, accuracy ${(100 * score).toFixed(2)} %`,
    );
  }

  log(id: string, line: string): void {
    const run = this.#run(id);
    run.log.push(line);
    this.#event(id, { event: 'log', data: { line, at: this.#now(), attempt: run.info.attempt } });
  }

  /** Ends a run well; what waits for it is queued. */
  async finish(id: string): Promise<void> {
    const { info } = this.#run(id);
    const base = info.kind === 'pruned' ? recordOf(info.plan) : undefined;
    const files = await prunedFiles();
    this.log(id, 'done');
    this.#set(id, {
      state: 'done',
      progress: null,
      finished: this.#now(),
      record: base ?? null,
      scores: base
        ? {
            score: base.score,
            base: base.base.scores[base.score]!,
            pruned: base.pruned.before[base.score]!,
            finetuned: base.pruned.scores[base.score]!,
          }
        : { score: 'accuracy', base: 0.942, pruned: null, finetuned: null },
      files: [
        { name: 'model.onnx', bytes: files.onnx.length },
        ...(base ? [{ name: 'record.json', bytes: JSON.stringify(base).length }] : []),
        { name: 'layers.json', bytes: JSON.stringify(files.layers).length },
        { name: 'groups.json', bytes: JSON.stringify(files.groups).length },
        { name: 'groups.vl.json', bytes: JSON.stringify(files.drawing).length },
        { name: 'log.txt', bytes: this.#run(id).log.join('\n').length },
      ],
    });
    for (const { info: next } of this.runs.values())
      if (next.needs === id && next.state === 'waiting') this.#set(next.id, { state: 'queued' });
  }

  fail(id: string, reason: string): void {
    this.log(id, reason);
    this.#set(id, { state: 'failed', reason, progress: null, finished: this.#now() });
  }

  cancel(id: string): void {
    const { state } = this.#run(id).info;
    if (['waiting', 'queued', 'running'].includes(state))
      this.#set(id, { state: 'cancelled', progress: null, finished: this.#now() });
  }

  retry(id: string): void {
    this.#set(id, { state: 'queued', reason: null, finished: null });
  }

  /** All streams end, as when a server is started anew. */
  dropStreams(): void {
    for (const response of this.#streams.keys()) response.end();
    this.#streams.clear();
  }

  /** Runs of a kind, in the order in which they were made. */
  idsOf(submission: string, kind: RunInfo['kind']): string[] {
    return [...this.runs.values()]
      .filter(({ info }) => info.submission === submission && info.kind === kind)
      .map(({ info }) => info.id);
  }

  /** Each moment is a minute after the one before, so that tests see the same times. */
  #now(): string {
    return new Date(Date.now() - 3600_000 + 60_000 * Math.min(59, this.#minutes++)).toISOString();
  }

  #run(id: string): Stored {
    const run = this.runs.get(id);
    if (!run) throw new Refusal(404, `there is no run ${id}`);
    return run;
  }

  #set(id: string, part: Partial<RunDetail>): void {
    const run = this.#run(id);
    run.info = { ...run.info, ...part };
    this.#changed(run.info.submission);
    this.#event(id, { event: 'run', data: this.#info(run.info) });
  }

  #info(detail: RunDetail): RunInfo {
    const { plan: _, needs: __, record: ___, files: ____, ...info } = detail;
    const line = [...this.runs.values()].filter(({ info }) => info.state === 'queued').map(({ info }) => info.id);
    return { ...info, ahead: info.state === 'queued' ? line.indexOf(info.id) : null };
  }

  #event(id: string, event: RunEvent): void {
    const run = this.#run(id);
    const seq = ++this.#seq;
    run.events.push({ seq, event: runEvent.parse(event) });
    for (const tell of this.#streams.values()) tell(run, seq, event);
  }

  #changed(id: string): void {
    const submission = this.submissions.get(id)!;
    const own = [...this.runs.values()].filter(({ info }) => info.submission === id);
    const states = Object.fromEntries(
      runStates.map(state => [state, own.filter(({ info }) => info.state === state).length]),
    ) as Record<RunState, number>;
    this.submissions.set(id, { ...submission, states });
  }

  // --- what is asked -----------------------------------------------------------------------------------------------

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://localhost');
    response.setHeader('content-security-policy', policy);
    response.setHeader('x-content-type-options', 'nosniff');
    const json = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    try {
      if (!url.pathname.startsWith('/api/')) return await this.#file(url.pathname, response);
      const signedIn = this.token === undefined || request.headers.cookie === `pruningbench=${this.token}`;
      const where = `${request.method} ${url.pathname}`;
      if (where === 'POST /api/session') {
        const { token } = sessionRequest.parse(await bodyOf(request));
        if (token !== this.token) throw new Refusal(401, 'unknown token');
        response.setHeader('set-cookie', `pruningbench=${token}; HttpOnly; SameSite=Strict; Path=/`);
        return json(204, undefined);
      }
      if (!signedIn) throw new Refusal(401, 'a token is needed');
      const refusal = this.refuse.get(where);
      this.refuse.delete(where);
      if (refusal) throw new Refusal(refusal.status, refusal.error, refusal.field);
      if (url.pathname.endsWith('/events')) return this.#stream(url, request, response);
      const answer = await this.#answer(where, url, request);
      if (answer instanceof Uint8Array || typeof answer === 'string') {
        response.writeHead(200, { 'content-type': 'application/octet-stream' });
        response.end(answer);
        return;
      }
      const [status, body, schema] = answer;
      json(status, schema ? schema.parse(body) : body);
    } catch (error) {
      if (error instanceof Refusal)
        return json(error.status, {
          error: error.message,
          ...(error.field === undefined ? {} : { field: error.field }),
        });
      if (error instanceof z.ZodError) {
        const [issue] = error.issues;
        return json(400, { error: issue!.message, field: issue!.path.join('.') });
      }
      console.error(error);
      json(500, { error: 'something is wrong with the fixture' });
    }
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const name = path === '/' ? 'index.html' : path.slice(1);
    const bytes = /^[\w.-]+$/.test(name) ? await readFile(join(folder, name)).catch(() => undefined) : undefined;
    response.writeHead(bytes ? 200 : 404, { 'content-type': types[extname(name)] ?? 'text/plain' });
    response.end(bytes ?? 'there is no such file');
  }

  #stream(url: URL, request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    // browsers wait for seconds else
    response.write('retry: 50\n\n');
    const send = (seq: number | undefined, { event, data }: { event: string; data: unknown }) =>
      response.write(`${seq === undefined ? '' : `id: ${seq}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    const after = Number(request.headers['last-event-id'] ?? url.searchParams.get('after') ?? 0);
    const [, id] = /^\/api\/runs\/(\w+)\/events$/.exec(url.pathname) ?? [];
    if (id === undefined) {
      response.write(': hello\n\n');
      this.#streams.set(response, (run, seq, event) => {
        if (event.event !== 'run') return;
        send(seq, listEvent.parse(event));
        send(undefined, listEvent.parse({ event: 'submission', data: this.submissions.get(run.info.submission) }));
      });
    } else {
      const run = this.#run(id);
      send(undefined, { event: 'run', data: this.#info(run.info) });
      for (const { seq, event } of run.events) if (seq > after && event.event !== 'run') send(seq, event);
      this.#streams.set(response, (of, seq, event) => {
        if (of === run) send(seq, event);
      });
    }
    request.on('close', () => this.#streams.delete(response));
  }

  async #answer(
    where: string,
    { pathname, searchParams }: URL,
    request: IncomingMessage,
  ): Promise<Answer | Uint8Array | string> {
    const query = Object.fromEntries(searchParams);
    const [, , kind, id, action, file] = pathname.split('/');
    switch (where) {
      case 'GET /api/catalogue':
        return [200, catalogueInfo];
      case 'POST /api/check':
        return [200, check(checkRequest.parse(await bodyOf(request)).plan), checkSchema];
      case 'POST /api/submissions': {
        const body = submissionRequest.parse(await bodyOf(request));
        this.received.push(body);
        return [201, this.submit(body), submissionSchema];
      }
      case 'GET /api/submissions':
        return [200, { submissions: [...this.submissions.values()].reverse(), next: null }, submissionsSchema];
      case 'GET /api/session':
        return [200, { required: this.token !== undefined, scopes: ['read', 'submit', 'work'] }, sessionSchema];
      case 'GET /api/workers':
        return [200, { workers: [worker] }, workersSchema];
      case 'GET /api/tokens':
        return [200, { tokens: this.tokens }, tokensSchema];
      case 'POST /api/tokens': {
        const { name, scopes } = tokenRequest.parse(await bodyOf(request));
        const token = { id: newId(), name, scopes, created: this.#now(), used: null, revoked: null };
        this.tokens.push(token);
        return [201, { ...token, token: 'a-token-that-is-shown-once' }, newToken];
      }
      case 'GET /api/models':
        return [200, { models: this.models }, modelsSchema];
      case 'POST /api/models':
        return [201, this.#upload(query['name'] ?? 'model.onnx', await bytesOf(request)), modelInfo];
      case 'GET /api/runs':
        return [200, this.#list(runsQuery.parse(query)), runsSchema];
      case 'GET /api/leaderboards':
        return [200, { boards: this.#boards() }, leaderboardsSchema];
      case 'GET /api/standings':
        return [200, { rows: this.#standings(standingsQuery.parse(query)) }, standingsSchema];
    }
    if (kind === 'tokens' && id) {
      this.tokens.find(token => token.id === id)!.revoked = this.#now();
      return [204, undefined];
    }
    if (kind === 'submissions' && id) {
      const submission = this.submissions.get(id);
      if (!submission) throw new Refusal(404, `there is no submission ${id}`);
      if (action === 'cancel')
        for (const { info } of this.runs.values()) if (info.submission === id) this.cancel(info.id);
      return [200, this.submissions.get(id), submissionSchema];
    }
    if (kind !== 'runs' || !id) throw new Refusal(404, `nothing is at ${pathname}`);
    const run = this.#run(id);
    switch (action) {
      case undefined:
        return [200, { ...run.info, ...this.#info(run.info) }, runDetail];
      case 'cancel':
        this.cancel(id);
        return [200, this.#info(run.info), runInfo];
      case 'retry':
        this.retry(id);
        return [200, this.#info(run.info), runInfo];
      case 'log':
        return run.log.join('\n');
      case 'curves.csv':
        return [
          curveColumns.join(),
          ...run.events.flatMap(({ event }) => (event.event === 'epoch' ? [csvLine(event.data)] : [])),
        ].join('\r\n');
      case 'notebook.ipynb':
        return JSON.stringify({ cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 });
      case 'files': {
        const files = await prunedFiles();
        if (file === 'model.onnx') return files.onnx;
        if (file === 'layers.json') return [200, files.layers, layersSchema];
        if (file === 'groups.json') return [200, files.groups, groupsSchema];
        if (file === 'groups.vl.json') return [200, files.drawing];
        if (file === 'record.json' && run.info.record) return [200, run.info.record];
        throw new Refusal(404, `run ${id} has no file ${file}`);
      }
    }
    throw new Refusal(404, `nothing is at ${pathname}`);
  }

  #list({ state, kind, submission, model, dataset, method, after, limit }: z.infer<typeof runsQuery>) {
    const order = [...this.submissions.keys()];
    const all = [...this.runs.values()]
      .map(({ info }) => this.#info(info))
      .filter(
        run =>
          (!state || run.state === state) &&
          (!kind || run.kind === kind) &&
          (!submission || run.submission === submission) &&
          (!model || run.model === model) &&
          (!dataset || run.dataset === dataset) &&
          (!method || run.method === method),
      )
      .sort((a, b) => order.indexOf(b.submission) - order.indexOf(a.submission));
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const runs = all.slice(from, from + limit);
    return { runs, next: from + limit < all.length ? runs.at(-1)!.id : null };
  }

  #ownStandings(submission?: string) {
    const done = [...this.runs.values()]
      .map(({ info }) => info)
      .filter(({ record, submission: of }) => record && (submission === undefined || of === submission));
    return standingsOf(
      done.map(({ record }) => record!),
      [],
    ).map(row => ({
      ...row,
      ids: done
        .filter(
          ({ method, speedup, strategy }) =>
            method === row.method && speedup === row.speedup && strategy === row.strategy,
        )
        .map(({ id }) => id),
    }));
  }

  #standings({ source, model, dataset, submission }: z.infer<typeof standingsQuery>) {
    const all =
      submission === undefined ? [...this.#ownStandings(), ...entryRows, ...paperRows] : this.#ownStandings(submission);
    return all.filter(
      row =>
        (!source || row.source === source) && (!model || row.model === model) && (!dataset || row.dataset === dataset),
    );
  }

  #boards() {
    const boards = new Map<
      string,
      { source: 'runs' | 'entries' | 'paper'; model: string; dataset: string; rows: number }
    >();
    for (const { source, model, dataset } of this.#standings({})) {
      const key = `${source} ${model} ${dataset}`;
      boards.set(key, { source, model, dataset, rows: (boards.get(key)?.rows ?? 0) + 1 });
    }
    return [...boards.values()];
  }

  #upload(name: string, bytes: Uint8Array): ModelInfo {
    if (bytes[0] !== 8) throw new Refusal(400, 'is no ONNX file');
    const model = {
      ...{ id: newId(), name, sha256: '0'.repeat(64), bytes: bytes.length, created: this.#now() },
      summary: { inputs: [[32, 32, 3]], outputs: [[10]], params: 172_432, macs: 8_902_000, groups: 14 },
    };
    this.models.push(model);
    return model;
  }
}

const worker = {
  id: 'w1',
  resources: 'cpu',
  host: 'here',
  backend: 'onnxruntime',
  version: '0.1.0',
  seen: new Date().toISOString(),
  run: null,
};

const newId = (): string => randomBytes(6).toString('hex');

const csvLine = (data: Readonly<Record<string, unknown>>): string =>
  curveColumns.map(column => String(data[column] ?? '')).join();

async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await bytesOf(request)).toString()) as unknown;
  } catch {
    throw new Refusal(400, 'the body is no JSON');
  }
}

/** The record of a real run, as if it had been made by this plan. */
export function recordOf({
  model,
  dataset,
  methods: [method],
  strategies: [strategy],
  speedups: [speedup],
  seeds: [seed],
}: Plan): RunRecord {
  const [criterion, regularizer] = method!.split(' + ').map(text => text.split(':')[0]!);
  const alike = records.filter(({ configuration }) => configuration.speedup === (speedup! >= 4 ? 4 : 2));
  const own = alike.filter(({ configuration }) => configuration.criterion.id === criterion);
  const chosen = (own.length > 0 ? own : alike)[Math.abs(seed!) % 3]!;
  const { configuration } = chosen;
  return {
    ...chosen,
    id: newId(),
    configuration: {
      ...configuration,
      ...(model.startsWith(uploadPrefix)
        ? { model: { id: model, options: {} }, dataset: { ...configuration.dataset, id: dataset } }
        : {}),
      criterion: { id: criterion!, options: {} },
      regularizer: regularizer === undefined ? null : { id: regularizer, options: {} },
      strategy: { id: strategy!.split(':')[0]!, options: configuration.strategy.options },
      speedup: speedup!,
      seed: seed!,
    },
  };
}
