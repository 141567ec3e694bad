import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ModelInfo } from '../api.ts';
import type { Database } from '../database/database.ts';
import { modelKey, type Store } from '../store/store.ts';
import { uploadPrefix } from '../vocabulary.ts';
import { inspectedModel, type InspectedModel } from './inspect.ts';
import type { Inspector } from './inspector.ts';
import type { Limits } from './limits.ts';
import { receive } from './receive.ts';
import { Refused } from './refused.ts';

/** A row of the table of uploaded models. */
export interface Upload {
  readonly id: string;
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly summary: InspectedModel;
  readonly created: Date;
}

const columns = 'id, name, sha256, bytes::float8 as bytes, summary, created';

/** Models that people have brought. */
export class Uploads {
  readonly #database: Database;
  readonly #store: Store;
  readonly #inspector: Inspector;
  readonly #folder: string;
  readonly #limits: Limits;
  #running = 0;

  /** `folder` is for files while they come in; what reads them is a process of its own. */
  constructor(database: Database, store: Store, inspector: Inspector, folder: string, limits: Limits) {
    this.#database = database;
    this.#store = store;
    this.#inspector = inspector;
    this.#folder = folder;
    this.#limits = limits;
  }

  list(): Promise<Upload[]> {
    return this.#database.sql<Upload>(`select ${columns} from pruningbench.models order by created desc, id`);
  }

  async find(id: string): Promise<Upload | undefined> {
    const [row] = await this.#database.sql<Upload>(`select ${columns} from pruningbench.models where id = $1`, [id]);
    return row;
  }

  /** Takes a file as it comes in. The same file again is the model that it was. Throws where it is no model. */
  async take(name: string, body: Readable): Promise<{ upload: Upload; again: boolean }> {
    const { uploads, models } = this.#limits;
    if (this.#running >= uploads)
      throw new Refused(429, `${uploads} models are being uploaded already`, { retryAfter: 10 });
    if ((await this.list()).length >= models)
      throw new Refused(429, `there are ${models} models already: remove some`, { retryAfter: 3600 });
    this.#running++;
    const folder = await mkdtemp(join(this.#folder, 'upload-'));
    try {
      const path = join(folder, 'model');
      const { sha256, bytes } = await this.#receive(body, path);
      const [known] = await this.#database.sql<Upload>(`select ${columns} from pruningbench.models where sha256 = $1`, [
        sha256,
      ]);
      if (known) return { upload: known, again: true };
      const summary = await this.#read(path);
      await this.#store.put(modelKey(sha256), path);
      const [made] = await this.#database.sql<Upload>(
        `insert into pruningbench.models (id, name, sha256, bytes, summary) values ($1, $2, $3, $4, $5::jsonb)
         on conflict (sha256) do update set sha256 = $3 returning ${columns}`,
        [randomBytes(6).toString('hex'), name, sha256, bytes, JSON.stringify(summary)],
      );
      return { upload: made!, again: false };
    } finally {
      this.#running--;
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #receive(body: Readable, path: string): Promise<{ sha256: string; bytes: number }> {
    const most = this.#limits.modelBytes;
    const received = await receive(body, path, most, () => new Refused(413, `a model may have ${most} bytes`));
    if (received.bytes === 0) throw new Refused(400, 'the file is empty');
    return received;
  }

  async #read(path: string): Promise<InspectedModel> {
    try {
      return inspectedModel.parse(await this.#inspector.ask({ kind: 'file', path }));
    } catch (error) {
      if (error instanceof Refused) throw error;
      throw new Refused(422, `the file cannot be used: ${(error as Error).message}`);
    }
  }

  /** Removes a model that no open run begins with. */
  async remove(id: string): Promise<boolean> {
    return this.#database.transaction(async sql => {
      const [row] = await sql<Upload>(`select ${columns} from pruningbench.models where id = $1 for update`, [id]);
      if (!row) return false;
      const [open] = await sql<{ id: string }>(
        `select id from pruningbench.runs where spec->>'model' = $1 and state in ('waiting', 'queued', 'running') limit 1`,
        [uploadPrefix + id],
      );
      if (open) throw new Refused(409, `run ${open.id} is not done with the model`);
      await sql('delete from pruningbench.models where id = $1', [id]);
      await this.#store.remove(modelKey(row.sha256));
      return true;
    });
  }
}

export const uploadInfo = ({ summary, created, ...row }: Upload): ModelInfo => ({
  ...row,
  created: created.toISOString(),
  summary: {
    inputs: summary.inputs,
    outputs: summary.outputs,
    params: summary.params,
    macs: summary.macs,
    groups: summary.groups.length,
  },
});
