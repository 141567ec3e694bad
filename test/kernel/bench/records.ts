import { protocolSchema } from '../../../kernel/bench/protocol.ts';
import { hashOf, type Configuration, type RunRecord } from '../../../kernel/bench/record.ts';

/** A record with what a test is about; the rest is the same for all. */
export function recordOf(what: {
  criterion: string;
  score: number;
  before?: number;
  speedup?: number;
  strategy?: string;
  seed?: number;
  latency?: number;
}): RunRecord {
  const { criterion, score, before = 0.1, speedup = 2, strategy = 'global', seed = 0, latency } = what;
  const plugin = (id: string) => ({ id, options: {} });
  const configuration: Configuration = {
    protocol: protocolSchema.parse({ name: 'test' }),
    model: { id: 'net', options: { width: 0.5 } },
    base: null,
    dataset: { id: 'data', options: {}, checksum: 'abc', train: 10, test: 10 },
    task: 'classification',
    criterion: plugin(criterion),
    regularizer: null,
    strategy: plugin(strategy),
    reduce: 'mean',
    normalize: 'mean',
    roundTo: 1,
    speedup,
    seed,
    backend: 'cpu',
  };
  return {
    version: 1,
    id: hashOf(configuration),
    created: '2026-01-01T00:00:00.000Z',
    configuration,
    score: 'accuracy',
    base: { params: 1000, macs: 4000, macsCompatible: 5000, scores: { accuracy: 0.9 }, history: [] },
    sparsified: null,
    pruned: {
      params: 500,
      macs: 1600,
      macsCompatible: 2000,
      before: { accuracy: before },
      recalibrated: { accuracy: before + 0.1 },
      scores: { accuracy: score },
      history: [],
    },
    groups: [{ id: 'a', units: 4, kept: [0, 2] }],
    latency: latency ? [{ batch: 1, base: 10, pruned: latency, repeats: 3, threads: 1 }] : [],
    seconds: { prune: 2, steps: 10, finetune: 5, regularizer: null },
    provenance: {
      versions: { node: '20' },
      commit: null,
      hardware: { cpu: 'a', cores: 2, memoryGiB: 8, platform: 'linux-x64' },
      peakMemoryMiB: 100,
    },
  };
}
