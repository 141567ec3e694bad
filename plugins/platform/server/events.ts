import type { Database } from '../database/database.ts';

/** An event as it stands in the table. */
export interface StoredEvent {
  readonly seq: number;
  readonly attempt: number;
  readonly at: Date;
  readonly kind: 'state' | 'epoch' | 'log';
  readonly data: Readonly<Record<string, unknown>>;
}

/** As many as are read at once. */
export const mostEvents = 500;

/** Events of a run after one of them, in their order: those of one run come in the order of their numbers. */
export const eventsAfter = ({ sql }: Database, run: string, after: number): Promise<StoredEvent[]> =>
  sql<StoredEvent>(
    `select seq::float8 as seq, attempt, at, kind, data from pruningbench.events
     where run = $1 and seq > $2::bigint order by seq limit ${mostEvents}`,
    [run, Math.floor(after)],
  );

/** All events of a run, read as they are asked for. */
export async function* eventsOf(database: Database, run: string): AsyncGenerator<StoredEvent> {
  for (let after = 0; ;) {
    const events = await eventsAfter(database, run, after);
    yield* events;
    if (events.length < mostEvents) return;
    after = events.at(-1)!.seq;
  }
}
