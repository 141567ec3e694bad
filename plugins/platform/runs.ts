import { randomBytes, randomUUID } from 'node:crypto';
import type { Database, Sql } from './database/database.ts';
import { expand, type RunDraft } from './expand.ts';
import type { Queue, Ticket } from './queue.ts';
import {
  AlreadyUnderWay,
  checkpoints,
  isCheckpoint,
  Superseded,
  type Artifact,
  type Attempt,
  type NewEvent,
  type Outcome,
  type Progress,
  type Run,
  type Submission,
} from './run.ts';
import { runKinds, type Resources, type RunState } from './vocabulary.ts';

/** The channel on which changes of runs are told: `{ run }` or `{ submission }`, as JSON. */
export const channel = 'pruningbench';

/** Attempts in a row that end without a word or a checkpoint, after which a run has failed. */
const mostTries = 5;

/** Everything that changes runs; each change is one transaction. */
export class Runs {
  readonly #database: Database;
  readonly #queue: Queue;

  constructor(database: Database, queue: Queue) {
    this.#database = database;
    this.#queue = queue;
  }

  /** Takes plans; returns the submission's id, that of the first time where its key was given before. */
  async submit({ key, title, plans, resources }: Submission): Promise<{ id: string; again: boolean }> {
    return this.#database.transaction(async sql => {
      const id = newId();
      const [row] = await sql<{ id: string }>(
        `insert into pruningbench.submissions (id, key, title, plans) values ($1, $2, $3, $4::jsonb)
         on conflict (key) do nothing returning id`,
        [id, key ?? null, title, JSON.stringify(plans)],
      );
      if (!row) {
        const [first] = await sql<{ id: string }>('select id from pruningbench.submissions where key = $1', [key]);
        return { id: first!.id, again: true };
      }
      const drafts = new Map(plans.flatMap(plan => expand(plan, resources)).map(draft => [draft.key, draft]));
      await this.#insert(sql, id, resources, [...drafts.values()]);
      await tell(sql, { submission: id });
      return { id, again: false };
    });
  }

  async #insert(sql: Sql, submission: string, resources: Resources, drafts: readonly RunDraft[]): Promise<void> {
    const known = new Map<string, { id: string; state: RunState }>();
    let position = 0;
    for (const kind of runKinds) {
      const own = drafts.filter(draft => draft.kind === kind);
      if (own.length === 0) continue;
      const rows = own.map(({ key, plan, needs }) => {
        const need = needs === undefined ? undefined : known.get(needs)!;
        const queued = !need || need.state === 'done';
        const state: RunState = queued ? 'queued' : 'waiting';
        return {
          id: newId(),
          key,
          spec: plan,
          needs: need?.id ?? null,
          state,
          position: position++,
          ticket: queued ? randomUUID() : null,
        };
      });
      const made = await sql<{ id: string; key: string; state: RunState; ticket: string | null }>(
        `insert into pruningbench.runs (id, kind, key, submission, resources, position, spec, needs, state, ticket, queued)
         select id, $2, key, $3, $4, position, spec, needs, state, ticket, case when state = 'queued' then now() end
         from jsonb_to_recordset($1::jsonb)
           as row (id text, key text, position int, spec jsonb, needs text, state text, ticket uuid)
         on conflict (key) where kind <> 'pruned' and state not in ('failed', 'cancelled') do nothing
         returning id, key, state, ticket`,
        [JSON.stringify(rows), kind, submission, resources],
      );
      await this.#queue.add(
        sql,
        made.flatMap(({ id, ticket }) => (ticket ? [{ id: ticket, run: id, resources }] : [])),
      );
      for (const { key, id, state } of made) known.set(key, { id, state });
      const shared = own.map(({ key }) => key).filter(key => !known.has(key));
      // locked, so that it does not end unseen before this is committed
      for (const key of shared) known.set(key, (await joined(sql, key))!);
    }
  }

  /**
   * Begins an attempt at a ticket's run. Undefined where there is nothing to do any more; the ticket is gone then.
   */
  async claim(ticket: Ticket, worker: string): Promise<Run | undefined> {
    return this.#database.transaction(async sql => {
      const run = await locked(sql, ticket.run);
      const open = run && (run.state === 'queued' || run.state === 'running') && run.ticket === ticket.id;
      if (!open) {
        await this.#queue.drop(sql, ticket);
        return undefined;
      }
      if (run.cancelling) {
        await this.#end(sql, run, ticket, { state: 'cancelled' });
        return undefined;
      }
      if (run.tries >= mostTries) {
        const why = run.reason === null ? '' : `: ${run.reason}`;
        const reason = `${run.tries} attempts came to no checkpoint, the last on worker ${run.worker}${why}`;
        await this.#end(sql, run, ticket, { state: 'failed', reason });
        return undefined;
      }
      const [claimed] = await sql<Run>(
        `update pruningbench.runs set state = 'running', attempt = attempt + 1, tries = tries + 1, heard = 0,
           worker = $2, reason = null, progress = null, started = coalesce(started, now()) where id = $1 returning *`,
        [run.id, worker],
      );
      await note(sql, claimed!, { state: 'running', worker });
      return claimed;
    });
  }

  /**
   * Keeps what an attempt has to say. Returns whether somebody wants the run to end. Throws `Superseded` for an attempt
   * that is not the last one. `from` is how many events the attempt has reported before these: who does not know whether
   * it was heard says the same again, and no event is kept twice. One statement, as this is what is asked most.
   */
  async report(
    attempt: Attempt,
    progress: Progress | undefined,
    events: readonly NewEvent[],
    from?: number,
  ): Promise<{ cancelling: boolean }> {
    const { sql } = this.#database;
    const [run] = await sql<{ cancelling: boolean }>(
      `with run as (
         update pruningbench.runs as run
         set progress = coalesce($4::jsonb, run.progress),
           heard = greatest(before.heard, coalesce($6, before.heard) + jsonb_array_length($5::jsonb))
         from (
           select id, heard from pruningbench.runs
           where id = $1 and attempt = $2 and ticket = $3 and state = 'running' for update
         ) as before
         where run.id = before.id
         returning before.heard, run.cancelling
       ), unheard as (
         insert into pruningbench.events (run, attempt, kind, data)
         select $1, $2, event->>'kind', event->'data'
         from run, jsonb_array_elements($5::jsonb) with ordinality as row (event, place)
         where place > run.heard - coalesce($6, run.heard) order by place
       )
       select cancelling, pg_notify('${channel}', $7) from run`,
      [
        attempt.id,
        attempt.attempt,
        attempt.ticket,
        progress ? JSON.stringify(progress) : null,
        JSON.stringify(events),
        from ?? null,
        JSON.stringify({ run: attempt.id }),
      ],
    );
    if (!run) throw superseded(attempt, await found(sql, attempt.id));
    return { cancelling: run.cancelling };
  }

  /**
   * Notes a file of an attempt that is in the store. Returns the SHA-256 of what it takes the place of, where nothing of
   * the run is that any more: it can be removed. Throws `Superseded` for an attempt that is not the last one.
   */
  async saved(held: Attempt, artifact: Artifact): Promise<string | undefined> {
    const { id, attempt } = held;
    return this.#database.transaction(async sql => {
      await current(sql, held);
      const [before] = await sql<{ sha256: string }>(
        'select sha256 from pruningbench.artifacts where run = $1 and name = $2',
        [id, artifact.name],
      );
      await sql(
        `insert into pruningbench.artifacts (run, name, attempt, bytes, sha256) values ($1, $2, $3, $4, $5)
         on conflict (run, name) do update set attempt = $3, bytes = $4, sha256 = $5, created = now()`,
        [id, artifact.name, attempt, artifact.bytes, artifact.sha256],
      );
      if (isCheckpoint(artifact)) await sql('update pruningbench.runs set tries = 0 where id = $1', [id]);
      const [left] = await sql<{ sha256: string }>(
        'select sha256 from pruningbench.artifacts where run = $1 and sha256 = $2',
        [id, before?.sha256 ?? ''],
      );
      return left ? undefined : before?.sha256;
    });
  }

  /** Files of a run that are in the store. */
  artifacts(id: string): Promise<Artifact[]> {
    return this.#database.sql<Artifact>(
      'select name, bytes::float8 as bytes, sha256 from pruningbench.artifacts where run = $1 order by name',
      [id],
    );
  }

  /** The runs whose models a run begins with, one after the other, and the run itself. */
  async lineage(id: string): Promise<string[]> {
    const rows = await this.#database.sql<{ id: string }>(
      `with recursive line as (
         select id, needs, 0 as depth from pruningbench.runs where id = $1
         union all select runs.id, runs.needs, depth + 1 from pruningbench.runs join line on runs.id = line.needs)
       select id from line order by depth desc`,
      [id],
    );
    return rows.map(row => row.id);
  }

  /**
   * The run of an attempt; of one that has `done` it, too, if that is said. Throws `Superseded` for an attempt that is not
   * the last one.
   */
  async heldBy(attempt: Attempt, done = false): Promise<Run> {
    const run = await found(this.#database.sql, attempt.id);
    const has = done && run?.state === 'done' && run.attempt === attempt.attempt;
    if (run && (has || holds(attempt, run))) return run;
    throw superseded(attempt, run);
  }

  /** Ends an attempt. Throws `Superseded` for one that is not the last one: nothing changes then. */
  async finish(attempt: Attempt, ticket: Ticket, outcome: Outcome): Promise<void> {
    await this.#database.transaction(async sql => {
      const run = await current(sql, attempt);
      const wanted = outcome.state === 'cancelled' && !run.cancelling;
      await this.#end(sql, run, ticket, wanted ? { state: 'queued', reason: 'it is wanted again' } : outcome);
    });
  }

  async #end(sql: Sql, run: Run, ticket: Ticket | undefined, outcome: Outcome): Promise<void> {
    if (ticket) await this.#queue.drop(sql, ticket);
    else if (run.ticket) await this.#queue.withdraw(sql, { id: run.ticket, resources: run.resources });
    if (outcome.state === 'queued') return this.#enqueue(sql, run, outcome.reason, 1);
    const reason = outcome.state === 'failed' ? outcome.reason : null;
    await sql(
      `update pruningbench.runs set state = $2, reason = $3, result = $4::jsonb, cancelling = false, ticket = null,
         progress = null, finished = now() where id = $1`,
      [run.id, outcome.state, reason, outcome.state === 'done' ? JSON.stringify(outcome.result) : null],
    );
    await note(sql, run, { state: outcome.state, ...(reason === null ? {} : { reason }) });
    if (run.kind === 'pruned') {
      // nothing goes on from there
      if (outcome.state === 'done')
        await sql(`delete from pruningbench.artifacts where run = $1 and name like '${checkpoints}%'`, [run.id]);
      return;
    }
    const waiting = await sql<Run>(
      `select * from pruningbench.runs where needs = $1 and state = 'waiting' order by position for update`,
      [run.id],
    );
    for (const next of waiting)
      if (outcome.state === 'done') await this.#enqueue(sql, next, null);
      else {
        const why = `run ${run.id}, whose model it begins with, ${outcome.state === 'failed' ? `failed: ${outcome.reason}` : 'was cancelled'}`;
        await this.#end(sql, next, undefined, { state: 'failed', reason: why });
      }
  }

  async #enqueue(sql: Sql, run: Run, reason: string | null, priority = 0): Promise<void> {
    const ticket = randomUUID();
    await sql(
      `update pruningbench.runs set state = 'queued', reason = $2, ticket = $3, progress = null, finished = null, queued = now()
       where id = $1`,
      [run.id, reason, ticket],
    );
    await this.#queue.add(sql, [{ id: ticket, run: run.id, resources: run.resources }], priority);
    await note(sql, run, { state: 'queued', ...(reason === null ? {} : { reason }) });
  }

  /** Ends a run that has not ended: at once where it waits, else as soon as its worker hears of it. Returns its state. */
  async cancel(id: string): Promise<RunState | undefined> {
    return this.#database.transaction(async sql => {
      const run = await locked(sql, id);
      if (!run) return undefined;
      await this.#cancel(sql, run);
      return (await locked(sql, id))!.state;
    });
  }

  async #cancel(sql: Sql, run: Run): Promise<void> {
    if (run.state === 'running') {
      await sql('update pruningbench.runs set cancelling = true where id = $1', [run.id]);
      await tell(sql, { run: run.id });
    } else if (run.state === 'queued' || run.state === 'waiting') {
      await this.#end(sql, run, undefined, { state: 'cancelled' });
    } else return;
    if (run.needs === null) return;
    // a training that nobody waits for any more
    const [other] = await sql(`select 1 from pruningbench.runs where needs = $1 and state = 'waiting' limit 1`, [
      run.needs,
    ]);
    const need = other ? undefined : await locked(sql, run.needs);
    if (need) await this.#cancel(sql, need);
  }

  /** Puts a run that failed or was cancelled on the queue again; it goes on from its last checkpoint. Returns its state. */
  async retry(id: string): Promise<RunState | undefined> {
    return this.#database.transaction(async sql => {
      const run = await locked(sql, id);
      if (!run) return undefined;
      await this.#retry(sql, run);
      return (await locked(sql, id))!.state;
    });
  }

  async #retry(sql: Sql, run: Run): Promise<void> {
    if (run.state !== 'failed' && run.state !== 'cancelled') return;
    if (run.kind !== 'pruned') {
      const other = await activeOf(sql, run.key);
      if (other) throw new AlreadyUnderWay(`run ${other.id} computes the same`);
    }
    await sql('update pruningbench.runs set tries = 0, cancelling = false, finished = null where id = $1', [run.id]);
    const needed = run.needs === null ? undefined : (await locked(sql, run.needs))!;
    const active = needed && ((await joined(sql, needed.key)) ?? needed);
    if (active && active.state !== 'done') {
      await sql(`update pruningbench.runs set state = 'waiting', reason = null, needs = $2 where id = $1`, [
        run.id,
        active.id,
      ]);
      await note(sql, run, { state: 'waiting' });
      if (active === needed) await this.#retry(sql, needed);
      return;
    }
    if (active) await sql('update pruningbench.runs set needs = $2 where id = $1', [run.id, active.id]);
    await this.#enqueue(sql, run, null);
  }
}

const newId = (): string => randomBytes(6).toString('hex');

async function locked(sql: Sql, id: string): Promise<Run | undefined> {
  const [run] = await sql<Run>('select * from pruningbench.runs where id = $1 for update', [id]);
  return run;
}

async function found(sql: Sql, id: string): Promise<Run | undefined> {
  const [run] = await sql<Run>('select * from pruningbench.runs where id = $1', [id]);
  return run;
}

/** Whether an attempt is the last of its run and has not ended. */
const holds = ({ attempt, ticket }: Attempt, run: Run): boolean =>
  run.state === 'running' && run.attempt === attempt && run.ticket === ticket;

/** The run of an attempt, locked. Throws `Superseded` for one that is not the last one, or has ended. */
async function current(sql: Sql, attempt: Attempt): Promise<Run> {
  const run = await locked(sql, attempt.id);
  if (run && holds(attempt, run)) return run;
  throw superseded(attempt, run);
}

function superseded({ id, attempt }: Attempt, run: Run | undefined): Superseded {
  const now = run ? `the run is ${run.state}, attempt ${run.attempt}` : 'there is no such run';
  return new Superseded(`run ${id}, attempt ${attempt}: ${now}`);
}

/** The training that others share, locked. */
async function activeOf(sql: Sql, key: string): Promise<Run | undefined> {
  const [run] = await sql<Run>(
    `select * from pruningbench.runs where key = $1 and kind <> 'pruned' and state not in ('failed', 'cancelled') for update`,
    [key],
  );
  return run;
}

/** The training that others share, for one more: it is not to end any more where somebody wanted that. */
async function joined(sql: Sql, key: string): Promise<Run | undefined> {
  const run = await activeOf(sql, key);
  if (run?.cancelling) {
    await sql('update pruningbench.runs set cancelling = false where id = $1', [run.id]);
    await tell(sql, { run: run.id });
  }
  return run;
}

async function note(sql: Sql, { id, attempt }: Run, data: Readonly<Record<string, unknown>>): Promise<void> {
  await sql(`insert into pruningbench.events (run, attempt, kind, data) values ($1, $2, 'state', $3::jsonb)`, [
    id,
    attempt,
    JSON.stringify(data),
  ]);
  await tell(sql, { run: id });
}

const tell = (sql: Sql, what: { readonly run: string } | { readonly submission: string }): Promise<unknown> =>
  sql('select pg_notify($1, $2)', [channel, JSON.stringify(what)]);
