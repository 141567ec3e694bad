import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const own = dirname(fileURLToPath(import.meta.url));
/** Where source maps are on, tfjs's frames name its sources. */
const foreign = /[\\/]node_modules[\\/]|[\\/]tfjs(-\w+)*[\\/]src[\\/]|node:|<anonymous>\)?$/;
const isOutside = (frame: string) => !frame.includes(own) && !foreign.test(frame) && /:\d+:\d+\)?$/.test(frame);

/**
 * Remembers which line of the program recorded what. Looking at the stack takes longer than recording, so it is done once
 * for every beginning of a sequence of records: a step that repeats another one looks at none.
 */
export class Lines {
  private readonly ids = new Map<string, number>();
  private readonly stacks = new Map<number, { stack?: string }>();
  private first = 0;
  private second = 0;

  /** How many places are remembered; then all are forgotten. */
  constructor(private readonly capacity = 20_000) {}

  /** Begins a sequence. */
  restart(): void {
    this.first = this.second = 0;
  }

  /** The next record of the sequence, by what it does; returns its place. */
  next(key: string): number {
    let id = this.ids.get(key);
    if (id === undefined) this.ids.set(key, (id = this.ids.size));
    this.first = Math.imul(this.first ^ (id + 1), 0x9e3779b1);
    this.second = Math.imul(this.second + id + 1, 0x85ebca77) ^ (this.second >>> 13);
    const place = (this.first >>> 0) * 2 ** 21 + (this.second >>> 11);
    if (!this.stacks.has(place)) {
      if (this.stacks.size >= this.capacity) this.stacks.clear();
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 60;
      const here: { stack?: string } = {};
      Error.captureStackTrace(here);
      Error.stackTraceLimit = stackTraceLimit;
      this.stacks.set(place, here);
    }
    return place;
  }

  /** The innermost line outside tfjs and this backend that recorded at a place, as `file:line:column`. */
  at(place: number): string | undefined {
    const frames = this.stacks.get(place)?.stack?.split('\n') ?? [];
    const frame = frames.find(isOutside);
    return frame && /\(?([^()\s]+:\d+:\d+)\)?$/.exec(frame.trim())?.[1];
  }
}
