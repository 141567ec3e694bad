import type { PlanInput } from '../../kernel/bench/plan.ts';
import type { ProtocolInput } from '../../kernel/bench/protocol.ts';
import { few } from './methods.ts';

/** Something of everything in a few steps of training, for tests: its numbers mean nothing. */
export const smokeProtocol = (batch: number): ProtocolInput => {
  const training = { epochs: 1, batch, optimizer: { kind: 'adamw' } } as const;
  return {
    name: 'smoke',
    base: training,
    sparsify: training,
    finetune: training,
    recalibration: 1,
    steps: 20,
    calibration: { batches: 1, batch, every: 10 },
    latency: { batches: [1], repeats: 10 },
  };
};

/** A small network on drawn shapes. */
export const smoke = (model: string, modelOptions: Record<string, unknown>, speedups: number[]): PlanInput => ({
  model,
  modelOptions,
  dataset: 'shapes',
  datasetOptions: { train: 64, test: 50 },
  methods: few,
  speedups,
  protocol: smokeProtocol(32),
});
