import { find } from '../catalogue.ts';
import { protocolSchema, type Protocol, type ProtocolInput } from './protocol.ts';
import { canonical } from './record.ts';

const sgd = (learningRate: number, nesterov = false) =>
  ({ kind: 'sgd', learningRate, momentum: 0.9, nesterov, weightDecay: 5e-4 }) as const;

const adamw = (learningRate: number, weightDecay: number) =>
  ({ kind: 'adamw', learningRate, weightDecay, decay: 'kernels' }) as const;

/** YOLOv8's recipe: Ultralytics' defaults. */
const yolo = {
  kind: 'sgd',
  learningRate: 0.01,
  momentum: 0.937,
  nesterov: true,
  weightDecay: 5e-4,
  decay: 'kernels',
} as const;
const yoloSchedule = { kind: 'linear', final: 0.01, warmup: 3 } as const;

/** An evaluation of detectors takes as long as some epochs. */
const seldom = { evaluateEvery: 0 };

/**
 * Minutes on a laptop: few epochs, warm-up and cosine. Weights that nobody uses decay by learning rate times weight
 * decay a step; a training of few steps needs more weight decay for them to be told from the others.
 */
const quick = {
  name: 'quick',
  base: {
    epochs: 8,
    batch: 64,
    optimizer: { ...sgd(0.1, true), weightDecay: 0.01 },
    schedule: { kind: 'cosine', warmup: 1 },
    evaluateEvery: 1,
  },
  sparsify: { epochs: 4, batch: 64, optimizer: { ...sgd(0.01), weightDecay: 0 }, schedule: { kind: 'cosine' } },
  finetune: { epochs: 3, batch: 64, optimizer: sgd(0.02, true), schedule: { kind: 'cosine' } },
  calibration: { batches: 4, batch: 64, every: 10 },
  latency: { batches: [1, 16], repeats: 20 },
} satisfies ProtocolInput;

/** Protocols by name. */
export const protocols = {
  quick,
  /** As `quick`, with longer trainings: a few hours for all methods together. */
  laptop: {
    ...quick,
    name: 'laptop',
    base: { ...quick.base, epochs: 20 },
    sparsify: { ...quick.sparsify, epochs: 6 },
    finetune: { ...quick.finetune, epochs: 5 },
  },
  /** As `quick`, for transformers. */
  'quick-vit': {
    name: 'quick-vit',
    base: { epochs: 16, batch: 64, optimizer: adamw(1e-3, 0.05), schedule: { kind: 'cosine', warmup: 2 } },
    sparsify: { epochs: 4, batch: 64, optimizer: adamw(3e-4, 0), schedule: { kind: 'cosine' } },
    finetune: { epochs: 4, batch: 64, optimizer: adamw(5e-4, 0.05), schedule: { kind: 'cosine' } },
    calibration: { batches: 4, batch: 64, every: 10 },
    latency: { batches: [1, 16], repeats: 20 },
  },
  /** As `quick`, for detectors. */
  'quick-detection': {
    name: 'quick-detection',
    base: { epochs: 40, batch: 16, optimizer: adamw(2e-3, 5e-4), schedule: { kind: 'cosine', warmup: 3 }, ...seldom },
    sparsify: { epochs: 10, batch: 16, optimizer: adamw(5e-4, 0), schedule: { kind: 'cosine' }, ...seldom },
    finetune: { epochs: 15, batch: 16, optimizer: adamw(1e-3, 5e-4), schedule: { kind: 'cosine' }, ...seldom },
    calibration: { batches: 4, batch: 16, every: 10 },
    latency: { batches: [1], repeats: 20 },
  },
  /** The paper's schedules for CIFAR. */
  paper: {
    name: 'paper',
    base: {
      epochs: 200,
      batch: 128,
      optimizer: sgd(0.1),
      schedule: { kind: 'milestones', milestones: [120, 150, 180] },
    },
    sparsify: {
      epochs: 100,
      batch: 128,
      optimizer: { ...sgd(0.01), weightDecay: 0 },
      schedule: { kind: 'milestones', milestones: [60, 80] },
    },
    finetune: { epochs: 100, batch: 128, optimizer: sgd(0.01), schedule: { kind: 'milestones', milestones: [60, 80] } },
    count: 'compatible',
  },
  /**
   * For residual networks on ImageNet, from the weights of PyTorch's zoo. The paper does not give these schedules in full;
   * they are those of Torch-Pruning's reference scripts.
   */
  'paper-imagenet': {
    name: 'paper-imagenet',
    base: null,
    sparsify: { epochs: 30, batch: 256, optimizer: { ...sgd(0.08), weightDecay: 0 }, schedule: { kind: 'cosine' } },
    finetune: {
      epochs: 90,
      batch: 256,
      optimizer: { ...sgd(0.08), weightDecay: 1e-4 },
      schedule: { kind: 'cosine', warmup: 5 },
    },
    count: 'compatible',
  },
  /** For transformers on ImageNet, from the weights of timm; the schedules are ours, the optimizer is the paper's. */
  'paper-imagenet-vit': {
    name: 'paper-imagenet-vit',
    base: null,
    sparsify: { epochs: 30, batch: 256, optimizer: adamw(5e-5, 0), schedule: { kind: 'cosine' } },
    finetune: { epochs: 90, batch: 256, optimizer: adamw(1e-4, 0.05), schedule: { kind: 'cosine', warmup: 5 } },
    calibration: { batches: 20, batch: 64 },
    count: 'compatible',
  },
  /** For detectors on COCO, from the weights of Ultralytics, by YOLOv8's own recipe. */
  'paper-coco': {
    name: 'paper-coco',
    base: null,
    sparsify: { epochs: 30, batch: 16, optimizer: { ...yolo, weightDecay: 0 }, schedule: yoloSchedule },
    finetune: { epochs: 100, batch: 16, optimizer: yolo, schedule: yoloSchedule },
    calibration: { batches: 80, batch: 16 },
    count: 'compatible',
  },
} satisfies Record<string, ProtocolInput>;
export type ProtocolName = keyof typeof protocols;

/** A protocol by its name. Throws with the nearest names. */
export const protocolNamed = (name: string): ProtocolInput => {
  const named = Object.entries(protocols).map(([id, protocol]) => ({ id, kind: 'protocol', protocol }));
  return find('protocol', named, name).protocol;
};

/** The package's own protocol of a name, complete; undefined where it has none. */
export const ownProtocol = (name: string): Protocol | undefined =>
  Object.hasOwn(protocols, name) ? protocolSchema.parse(protocols[name as ProtocolName]) : undefined;

/** What people are told a protocol is: `quick`, and `quick (changed)` where it is not the package's of that name. */
export function protocolLabel(protocol: Protocol): string {
  const own = ownProtocol(protocol.name);
  return own && canonical(own) !== canonical(protocol) ? `${protocol.name} (changed)` : protocol.name;
}
