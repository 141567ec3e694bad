import { z } from 'zod';
import { runEvent, type ListEvent, type RunEvent, type RunInfo } from '../api.ts';
import type { Database } from '../database/database.ts';
import { channel } from '../runs.ts';
import { Bell } from './bell.ts';
import { eventsAfter, mostEvents, type StoredEvent } from './events.ts';
import type { RunReader } from './run-reader.ts';

const told = z.union([z.object({ run: z.string() }), z.object({ submission: z.string() })]);

/** Milliseconds that changes are collected for before watchers are told. */
const pause = 200;
/** Changes that one watcher is told one by one; where there are more, lists are loaded anew. */
const most = 1000;
/** Characters that are sent at once, or a few more. */
const chunk = 2 ** 16;

/** A run that is watched. */
interface Feed {
  watchers: number;
  /** Grows with every change. */
  version: number;
  /** How it is, in words. */
  state: string | undefined;
  /** What was read last: most watchers are at the same place. */
  last: { readonly after: number; readonly version: number; readonly news: Promise<News[]> } | undefined;
  readonly bell: Bell;
}

/** An event of a run as all its watchers are told it; without words where they are not. */
interface News {
  readonly seq: number;
  readonly words: string | undefined;
}

/** What one who watches all runs is yet to be told, the last word on each run or submission. */
interface Listener {
  readonly pending: Map<string, string>;
  readonly bell: Bell;
}

export interface Watching {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Whether it may still go on. */
  readonly may: () => Promise<boolean>;
}

/**
 * Tells watchers of changes, as server-sent events. One connection listens for all of them. Every watcher reads at its own
 * pace, events of a run from the table, of which it knows its place: nobody's slowness costs memory.
 */
export class Live {
  readonly #database: Database;
  readonly #reader: RunReader;
  readonly #report: (error: Error) => void;
  readonly #beat: number;
  readonly #feeds = new Map<string, Feed>();
  readonly #listeners = new Set<Listener>();
  readonly #runs = new Set<string>();
  readonly #submissions = new Set<string>();
  #missed = false;
  #telling: Promise<void> | undefined;
  #unlisten: (() => Promise<void>) | undefined;
  #lastId = 0;
  #closed = false;

  /**
   * `report` is told where changes could not be read.
   * @param beat milliseconds of silence after which a watcher is told that the server is there
   */
  constructor(database: Database, reader: RunReader, beat: number, report: (error: Error) => void) {
    this.#database = database;
    this.#reader = reader;
    this.#report = report;
    this.#beat = beat;
  }

  async open(): Promise<void> {
    this.#unlisten = await this.#database.listen(channel, payload => this.#hear(payload));
  }

  /** Ends all streams. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { bell } of [...this.#feeds.values(), ...this.#listeners]) bell.ring();
    await this.#unlisten?.();
    await this.#telling;
  }

  get watchers(): number {
    return [...this.#feeds.values()].reduce((sum, feed) => sum + feed.watchers, this.#listeners.size);
  }

  #hear(payload: string | undefined): void {
    const what = payload === undefined ? undefined : told.parse(JSON.parse(payload));
    if (!what) this.#missed = true;
    else if ('submission' in what) this.#submissions.add(what.submission);
    else if (this.#listeners.size > 0 || this.#feeds.has(what.run)) this.#runs.add(what.run);
    this.#tell();
  }

  /** Tells what has changed, now or a moment after it was told the last time. */
  #tell(): void {
    if (this.#telling || this.#closed) return;
    if (this.#runs.size === 0 && this.#submissions.size === 0 && !this.#missed) return;
    this.#telling = this.#told()
      .catch((error: unknown) => {
        this.#missed = true;
        this.#report(error as Error);
      })
      .then(() => (this.#closed ? undefined : new Promise(resolve => setTimeout(resolve, pause))))
      .then(() => {
        this.#telling = undefined;
        this.#tell();
      });
  }

  async #told(): Promise<void> {
    const reload = this.#missed || this.#runs.size > most;
    const changed = this.#missed ? [...this.#feeds.keys()] : [...this.#runs];
    const submissions = [...this.#submissions];
    this.#runs.clear();
    this.#submissions.clear();
    this.#missed = false;
    const wanted = reload ? changed.filter(id => this.#feeds.has(id)) : changed;
    const infos = wanted.length > 0 ? await this.#reader.some(wanted) : [];
    const told = infos.map(info => [info.id, stateOf(info)] as const);
    for (const [id, state] of told) {
      const feed = this.#feeds.get(id);
      if (!feed) continue;
      feed.version++;
      feed.state = state;
      feed.bell.ring();
    }
    if (this.#listeners.size === 0) return;
    for (const id of submissions) {
      const data = await this.#reader.submission(id);
      if (data) told.push([id, wordsOf({ event: 'submission', data })]);
    }
    for (const { pending, bell } of this.#listeners) {
      if (reload || pending.size + told.length > most) {
        pending.clear();
        pending.set('', reloading);
      } else for (const [id, words] of told) pending.set(id, words);
      bell.ring();
    }
  }

  /** How a run is and its events after the one of this id. */
  async *run(id: string, after: number, { signal, may }: Watching): AsyncGenerator<string> {
    const feed = this.#feeds.get(id) ?? {
      watchers: 0,
      version: 0,
      state: undefined,
      last: undefined,
      bell: new Bell(),
    };
    this.#feeds.set(id, feed);
    feed.watchers++;
    // what has no number of its own is counted after the dot, so that ids grow
    let seq = Math.floor(after);
    let count = Math.round(1e6 * (after - seq));
    let shown: string | undefined;
    try {
      yield opening;
      if (feed.state === undefined) {
        const info = await this.#reader.info(id);
        feed.state ??= info && stateOf(info);
      }
      while (!signal.aborted && !this.#closed) {
        // what is read below is at least as new as these
        const { version, state } = feed;
        let said = '';
        const tell = (now: string) => {
          shown = now;
          said += message(now, `${seq}.${String(++count).padStart(6, '0')}`);
        };
        if (state !== undefined && shown === undefined) tell(state);
        const news = await this.#after(id, feed, seq);
        for (const { words, ...event } of news) {
          [seq, count] = [event.seq, 0];
          if (words !== undefined) said += message(words, String(seq));
          if (said.length < chunk) continue;
          yield said;
          if (signal.aborted) return;
          said = '';
        }
        // after the events that led there: who is told of the end has heard everything
        if (state !== undefined && state !== shown && news.length < mostEvents) tell(state);
        if (said) yield said;
        const more = feed.version !== version || news.length === mostEvents;
        if (!more && !(await feed.bell.next(this.#beat, signal))) yield alive;
        if (!(await may())) return;
      }
    } finally {
      if (--feed.watchers === 0) this.#feeds.delete(id);
    }
  }

  #after(id: string, feed: Feed, after: number): Promise<News[]> {
    const { version, last } = feed;
    if (last?.after === after && last.version === version) return last.news;
    const news = eventsAfter(this.#database, id, after).then(events => events.map(newsOf));
    feed.last = { after, version, news };
    return news;
  }

  /** Changes of all runs from now on; who comes `again` has missed some. */
  async *all(again: boolean, { signal, may }: Watching): AsyncGenerator<string> {
    const listener: Listener = { pending: new Map(), bell: new Bell() };
    if (again) listener.pending.set('', reloading);
    this.#listeners.add(listener);
    try {
      yield opening;
      while (!signal.aborted && !this.#closed) {
        while (listener.pending.size > 0) {
          let said = '';
          for (const [key, words] of listener.pending) {
            listener.pending.delete(key);
            this.#lastId = Math.max(this.#lastId + 1, Date.now());
            said += message(words, String(this.#lastId));
            if (said.length >= chunk) break;
          }
          yield said;
          if (signal.aborted) return;
        }
        if (!(await listener.bell.next(this.#beat, signal))) yield alive;
        if (!(await may())) return;
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }
}

/** How long a browser waits before it comes again. */
const opening = 'retry: 2000\n\n';
const alive = ': alive\n\n';
/** An event but for its id, made once for all who are told it. */
const wordsOf = ({ event, data }: RunEvent | ListEvent): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const stateOf = (data: RunInfo): string => wordsOf({ event: 'run', data });
const reloading = wordsOf({ event: 'reload', data: {} });
const message = (words: string, id: string): string => `id: ${id}\n${words}`;

/** No words where an event does not fit, or is told by how the run is. */
function newsOf({ seq, kind, data, at, attempt }: StoredEvent): News {
  const { data: said } = runEvent.safeParse({ event: kind, data: { ...data, at: at.toISOString(), attempt } });
  return { seq, words: said && wordsOf(said) };
}
