import { createHash, randomBytes } from 'node:crypto';
import type { Database } from './database/database.ts';
import type { Scope } from './vocabulary.ts';

/** A token as it is known: the token itself is not kept, its hash alone. */
export interface Token {
  readonly id: string;
  readonly name: string;
  readonly scopes: Scope[];
  readonly created: Date;
  readonly used: Date | null;
  readonly revoked: Date | null;
}

const columns = 'id, name, scopes, created, used, revoked';
// 32 random bytes cannot be guessed from their hash, so that it needs no salt and no slowness
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Who may use a server that others can reach. */
export class Tokens {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes a token, which is told here and never again. */
  async create(name: string, scopes: readonly Scope[]): Promise<Token & { token: string }> {
    const token = `pb_${randomBytes(32).toString('base64url')}`;
    const [row] = await this.#database.sql<Token>(
      `insert into pruningbench.tokens (id, name, hash, scopes) values ($1, $2, $3, $4) returning ${columns}`,
      [randomBytes(6).toString('hex'), name, hashOf(token), [...new Set(scopes)]],
    );
    return { ...row!, token };
  }

  /** Newest first, those too that were revoked. */
  list(): Promise<Token[]> {
    return this.#database.sql<Token>(`select ${columns} from pruningbench.tokens order by created desc, id`);
  }

  /** Ends a token for good. Returns whether there is one of this id. */
  async revoke(id: string): Promise<boolean> {
    const rows = await this.#database.sql(
      'update pruningbench.tokens set revoked = coalesce(revoked, now()) where id = $1 returning id',
      [id],
    );
    return rows.length > 0;
  }

  /** What is known of a token that is good; that it was used is noted, to the minute. */
  async find(token: string): Promise<Token | undefined> {
    const [row] = await this.#database.sql<Token>(
      `select ${columns} from pruningbench.tokens where hash = $1 and revoked is null`,
      [hashOf(token)],
    );
    if (row && (!row.used || Date.now() - row.used.getTime() > 60_000))
      await this.#database.sql('update pruningbench.tokens set used = now() where id = $1', [row.id]);
    return row;
  }
}
