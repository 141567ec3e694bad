/** What the backend did so far; times are totals in milliseconds. */
export interface Report {
  /** Kernel calls recorded. */
  recorded: number;
  /** Graphs run. */
  runs: number;
  /** Graphs compiled; the other runs found theirs in the cache. */
  compiles: number;
  /** Compiled graphs dropped because the cache was full. */
  evictions: number;
  /** Compiled graphs held. */
  cached: number;
  /** About how many bytes they work in. */
  cachedBytes: number;
  /**
   * Kernels that ran on the cpu backend because this one does not lower them (or not for what they were given): how often,
   * and the milliseconds that took, what they had to wait for aside.
   */
  fallbacks: Record<string, { calls: number; ms: number }>;
  /** Kernel calls small enough that the cpu backend took them at once. */
  small: number;
  /** The last graph run: recorded nodes, ONNX nodes, inputs, outputs and bytes of outputs. */
  last: { nodes: number; onnxNodes: number; inputs: number; outputs: number; outputBytes: number };
  /** Walking what is pending and making its key; translating; creating sessions; preparing inputs; running. */
  time: { key: number; lower: number; session: number; feed: number; run: number };
}

/** A report of nothing. */
export const emptyReport = (): Report => ({
  recorded: 0,
  runs: 0,
  compiles: 0,
  evictions: 0,
  cached: 0,
  cachedBytes: 0,
  fallbacks: {},
  small: 0,
  last: { nodes: 0, onnxNodes: 0, inputs: 0, outputs: 0, outputBytes: 0 },
  time: { key: 0, lower: 0, session: 0, feed: 0, run: 0 },
});
