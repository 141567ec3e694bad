import { createReadStream } from 'node:fs';
import type { ReadableStream } from 'node:stream/web';
import type { z } from 'zod';
import { writeAtomically } from '../../../kernel/train/write-atomically.ts';
import { errorSchema } from '../api.ts';
import type { Lease, Ticket } from '../queue.ts';
import { Superseded, type Artifact, type NewEvent, type Outcome, type Progress } from '../run.ts';
import { NotStored } from '../store/store.ts';
import type { Resources } from '../vocabulary.ts';
import {
  artifactsAnswer,
  claimAnswer,
  reportAnswer,
  takeAnswer,
  touchAnswer,
  workSchema,
  type FinishRequest,
  type ReportRequest,
  type SavedRequest,
  type WorkerAbout,
} from '../work-api.ts';
import type { Claimed, Held, Office, RunArtifact } from './office.ts';

export interface HttpOfficeOptions {
  /** The server's, as browsers open it. */
  readonly url: string;
  /** Of scope `work`; undefined for a server that asks for none. */
  readonly token: string | undefined;
  /** Of this package, which the server's must be. */
  readonly version: string;
}

/** Seconds that a request may take, and one with a file. */
const patience = { answer: 30, file: 900 };

/** The platform, for who reaches its server. */
export class HttpOffice implements Office {
  readonly lease: Lease;
  readonly #ask: Ask;

  private constructor(ask: Ask, lease: Lease) {
    this.#ask = ask;
    this.lease = lease;
  }

  /** Throws where there is no such server, or it takes no work from here. */
  static async open({ url, token, version }: HttpOfficeOptions): Promise<HttpOffice> {
    const base = new URL('api/', url.endsWith('/') ? url : `${url}/`);
    const ask = asker(base, token);
    try {
      const { version: theirs, lease } = await ask('GET', 'work', workSchema);
      if (theirs !== version) throw new Error(`it has version ${theirs} of this package, this worker ${version}`);
      return new HttpOffice(ask, lease);
    } catch (error) {
      const hint = (error as Partial<Answered>).status === 401 ? ', in PRUNINGBENCH_TOKEN' : '';
      throw new Error(`${url}: ${(error as Error).message}${hint}`, { cause: error });
    }
  }

  async seen(worker: string, about: WorkerAbout): Promise<void> {
    await this.#ask('PUT', `work/workers/${worker}`, nothing, { json: about });
  }

  async stopped(worker: string): Promise<void> {
    await this.#ask('DELETE', `work/workers/${worker}`, nothing);
  }

  async take(resources: Resources): Promise<Ticket | undefined> {
    return (await this.#ask('POST', 'work/take', takeAnswer, { json: { resources } })).ticket ?? undefined;
  }

  async touch(ticket: Ticket): Promise<boolean> {
    return (await this.#ask('POST', 'work/touch', touchAnswer, { json: { ticket } })).held;
  }

  async claim(ticket: Ticket, worker: string): Promise<Claimed | undefined> {
    return (await this.#ask('POST', 'work/claim', claimAnswer, { json: { ticket, worker } })).run ?? undefined;
  }

  report(
    { attempt, ticket }: Held,
    progress: Progress | undefined,
    events: readonly NewEvent[],
    from: number,
  ): Promise<{ cancelling: boolean }> {
    const json = { attempt, ticket, progress, events, from } as ReportRequest;
    return this.#ask('POST', 'work/report', reportAnswer, { json });
  }

  async finish({ attempt, ticket }: Held, outcome: Outcome): Promise<void> {
    const json = { attempt, ticket, outcome } as FinishRequest;
    await this.#ask('POST', 'work/finish', nothing, { json });
  }

  async artifacts({ attempt, ticket }: Held): Promise<RunArtifact[]> {
    return (await this.#ask('POST', 'work/artifacts', artifactsAnswer, { json: { attempt, ticket } })).artifacts;
  }

  async get(held: Held, { run, sha256 }: RunArtifact, path: string): Promise<void> {
    await this.#ask('GET', `work/runs/${held.id}/files/${sha256}?${query(held, { of: run })}`, to(path));
  }

  async model(held: Held, id: string, path: string): Promise<string> {
    const tag = await this.#ask('GET', `work/runs/${held.id}/models/${id}?${query(held)}`, to(path));
    return tag.replaceAll('"', '');
  }

  async put(held: Held, { sha256, bytes }: Pick<Artifact, 'sha256' | 'bytes'>, path: string): Promise<void> {
    const more = query(held, { bytes: String(bytes) });
    await this.#ask('PUT', `work/runs/${held.id}/files/${sha256}?${more}`, nothing, { file: path });
  }

  async saved({ attempt, ticket }: Held, artifact: Artifact): Promise<void> {
    const json: SavedRequest = { attempt, ticket, artifact };
    await this.#ask('POST', 'work/saved', nothing, { json });
  }

  async sweep({ attempt, ticket }: Held): Promise<void> {
    await this.#ask('POST', 'work/sweep', nothing, { json: { attempt, ticket } });
  }
}

const query = ({ attempt, ticket }: Held, more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({ attempt: String(attempt), ticket: ticket.id, ...more }).toString();

/** An answer that is an error. */
class Answered extends Error {
  override name = 'Answered';

  constructor(
    message: string,
    readonly status: number,
    /** Seconds. */
    readonly retryAfter: number | undefined,
  ) {
    super(message);
  }
}

interface Sent {
  readonly json?: unknown;
  /** Path of one. */
  readonly file?: string;
}
/** Makes what is asked for of an answer that is no error. */
type Read<T> = z.ZodType<T> | ((answer: Response) => Promise<T>);
type Ask = <T>(method: string, path: string, read: Read<T>, sent?: Sent) => Promise<T>;

const nothing = async (answer: Response): Promise<void> => void (await answer.arrayBuffer());

/** Writes an answer to a file; returns its entity tag. */
const to =
  (path: string) =>
  async (answer: Response): Promise<string> => {
    // as it is: a `Readable` made of it may fail before somebody reads it
    await writeAtomically(path, answer.body as ReadableStream<Uint8Array>);
    return answer.headers.get('etag') ?? '';
  };

const asker =
  (base: URL, token: string | undefined): Ask =>
  async (method, path, read, { json, file } = {}) => {
    const type = file !== undefined ? 'application/octet-stream' : json === undefined ? undefined : 'application/json';
    const long = file !== undefined || path.startsWith('work/runs/');
    const answer = await fetch(new URL(path, base), {
      method,
      headers: {
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      redirect: 'error',
      signal: AbortSignal.timeout(1000 * (long ? patience.file : patience.answer)),
      ...(file !== undefined ? { body: partsOf(file), duplex: 'half' } : {}),
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    } as unknown as RequestInit).catch(unreachable);
    if (!answer.ok) throw await errorOf(answer);
    return typeof read === 'function' ? read(answer) : read.parse(await answer.json());
  };

async function* partsOf(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path) as AsyncIterable<Buffer>;
}

/** Says why, which `fetch` has in the cause only. */
function unreachable(error: Error): never {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  throw new Error(`the server cannot be reached: ${message || code}`, { cause: error });
}

async function errorOf(answer: Response): Promise<Error> {
  const { status, headers } = answer;
  const text = await answer.text();
  const { data } = errorSchema.safeParse(parsed(text));
  const message = data?.error ?? `it answers ${status}`;
  if (data?.name === 'Superseded') return new Superseded(message);
  if (data?.name === 'NotStored') return new NotStored(message);
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return new Answered(message, status, Number.isFinite(seconds) ? seconds : undefined);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
