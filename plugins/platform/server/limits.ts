/** What the server lets itself be asked for. */
export interface Limits {
  /** Requests of one address in a minute; and to one place those that change something. */
  readonly requests: number;
  readonly changes: number;
  /** Runs that a plan may have, and that may be open in all. */
  readonly planRuns: number;
  readonly openRuns: number;
  /** Streams of events at once; and seconds after which they are looked after. */
  readonly watchers: number;
  readonly beat: number;
  /** Seconds for which a place in the queue is good. */
  readonly line: number;
  /** Bytes of an uploaded model, models that are kept, and uploads at once. */
  readonly modelBytes: number;
  readonly models: number;
  readonly uploads: number;
  /** Bytes of a file that a worker brings. */
  readonly artifactBytes: number;
}

export const usualLimits: Limits = {
  requests: 3000,
  changes: 300,
  planRuns: 10_000,
  openRuns: 50_000,
  watchers: 200,
  beat: 15,
  line: 1,
  modelBytes: 512 * 2 ** 20,
  models: 200,
  uploads: 2,
  artifactBytes: 4 * 2 ** 30,
};
