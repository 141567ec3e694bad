import { PgBoss, type Db, type JobWithMetadata } from 'pg-boss';
import type { Database, Sql } from './database/database.ts';
import { resourceNames, type Resources } from './vocabulary.ts';

/** Leave to work on a run, for as long as it is touched. */
export interface Ticket {
  readonly id: string;
  /** Tells the holders of one ticket apart. */
  readonly retryCount: number;
  readonly resources: Resources;
  readonly run: string;
}

/** Seconds. */
export interface Lease {
  /** A ticket that was not touched for so long is given to another worker. */
  readonly heartbeat: number;
  /** A ticket is taken away after so long, touched or not: who needs longer returns it and takes another. */
  readonly cap: number;
  /** How often lost tickets are looked for. */
  readonly supervise: number;
}
export const usualLease: Lease = { heartbeat: 60, cap: 12 * 3600, supervise: 15 };

/** Runs that wait for a worker, on pg-boss. Its statements take part in transactions of ours. */
export class Queue {
  readonly lease: Lease;
  readonly #boss: PgBoss;

  private constructor(boss: PgBoss, lease: Lease) {
    this.#boss = boss;
    this.lease = lease;
  }

  /**
   * Of an embedded database, tickets that are out are given to others at once: most of their holders are gone with the
   * process that had it, and one that joined through its server hears that it has lost its ticket. `report` is told what
   * goes wrong in the background, such as a database that cannot be reached for a while.
   */
  static async open(database: Database, report: (error: Error) => void, lease: Lease = usualLease): Promise<Queue> {
    const boss = new PgBoss({
      ...database.queue,
      schema: 'pruningbench_queue',
      supervise: true,
      superviseIntervalSeconds: lease.supervise,
      monitorIntervalSeconds: lease.supervise,
      schedule: false,
    });
    boss.on('error', report);
    await boss.start();
    for (const name of resourceNames) {
      const options = { heartbeatSeconds: lease.heartbeat, expireInSeconds: lease.cap, retryLimit: 1000 };
      await boss.createQueue(name, options);
      await boss.updateQueue(name, options);
    }
    const queue = new Queue(boss, lease);
    if (database.kind === 'pglite') await queue.reclaim(database.sql);
    return queue;
  }

  /** Makes tickets of these ids as part of a transaction; the higher the priority, the earlier they are taken. */
  async add(sql: Sql, tickets: readonly Pick<Ticket, 'id' | 'resources' | 'run'>[], priority = 0): Promise<void> {
    for (const name of resourceNames) {
      const own = tickets.filter(({ resources }) => resources === name);
      const jobs = own.map(({ id, run }) => ({ id, data: { run }, priority }));
      if (jobs.length > 0) await this.#boss.insert(name, jobs, { db: within(sql) });
    }
  }

  /** The next ticket, or undefined where there is none. */
  async take(resources: Resources): Promise<Ticket | undefined> {
    const [job] = await this.#boss.fetch<{ run: string }>(resources, { includeMetadata: true, batchSize: 1 });
    return job && ticketOf(job, resources);
  }

  /** Keeps a ticket. Returns whether it is still ours. */
  async touch({ id, retryCount, resources }: Ticket): Promise<boolean> {
    const { affected } = (await this.#boss.touch(resources, { id, retryCount })) as { affected: number };
    return affected > 0;
  }

  /** Gives up a ticket for good, as part of a transaction. One that somebody else holds by now stays with them. */
  async drop(sql: Sql, { id, retryCount, resources }: Ticket): Promise<void> {
    await this.#boss.complete(resources, { id, retryCount }, null, { db: within(sql) });
  }

  /** Takes back a ticket that nobody has taken yet, as part of a transaction. */
  async withdraw(sql: Sql, { id, resources }: Pick<Ticket, 'id' | 'resources'>): Promise<void> {
    await this.#boss.cancel(resources, id, { db: within(sql) });
  }

  /** Gives tickets that are out to others at once: for who knows that their holders are gone. */
  async reclaim(sql: Sql): Promise<void> {
    for (const name of resourceNames) {
      const out = await sql<{ id: string }>(
        `select id from pruningbench_queue.job where name = $1 and state = 'active'`,
        [name],
      );
      if (out.length > 0)
        await this.#boss.fail(
          name,
          out.map(({ id }) => id),
        );
    }
  }

  /** Looks for lost tickets now. */
  async supervise(): Promise<void> {
    for (const name of resourceNames) await this.#boss.supervise(name);
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: true });
  }
}

const ticketOf = ({ id, retryCount, data }: JobWithMetadata<{ run: string }>, resources: Resources): Ticket => ({
  id,
  retryCount,
  resources,
  run: data.run,
});

const within = (sql: Sql): Db => ({ executeSql: async (text, values) => ({ rows: await sql(text, values) }) });
