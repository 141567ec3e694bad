import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Builder } from '../../../kernel/graph/builder.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import type { Data } from '../../../kernel/plugin.ts';
import { random } from '../../../kernel/random.ts';
import type { FitOptions } from '../../../kernel/train/fit.ts';
import { memorySplit } from '../../../kernel/train/loader.ts';

export const shape = [6, 6, 2] as const;

/** A network with a norm, small enough for hundreds of steps. */
export function tinyGraph(seed = 1, filters = 4): Graph {
  const b = new Builder('tiny', seed);
  let x = b.input('image', shape);
  x = b.relu('relu', b.batchNorm('norm', b.conv('conv', x, { filters, kernel: 3, padding: 1 })));
  return b.build(b.dense('fc', b.globalAveragePool('pool', x), { units: 3 }));
}

/** Three classes by brightness, with noise. */
export function tinyImages(size: number, seed = 1) {
  const source = random(seed, 'tiny images');
  const labels = Int32Array.from({ length: size }, (_, i) => i % 3);
  const values = shape[0] * shape[1] * shape[2];
  const images = Uint8Array.from({ length: size * values }, (_, i) => {
    const label = labels[Math.floor(i / values)]!;
    return Math.min(255, 60 * label + source.integer(80));
  });
  return { images, labels, shape, mean: [0.4, 0.4], deviation: [0.2, 0.2] };
}

export function tinyData(train = 22, test = 9): Data<Int32Array> {
  const augment = { pad: 1, flip: true };
  return {
    id: 'tiny',
    task: 'classification',
    classes: ['dark', 'grey', 'bright'],
    shape,
    train: memorySplit({ ...tinyImages(train), augment }),
    test: memorySplit({ ...tinyImages(test, 2), augment }),
    checksum: 'none',
  };
}

/** A training that teaches the tiny network the tiny data. */
export const tinyTraining = {
  epochs: 4,
  batch: 4,
  optimizer: { kind: 'sgd', learningRate: 0.1, nesterov: true },
  schedule: { kind: 'cosine', warmup: 1 },
} satisfies FitOptions;

/** Runs with a folder that is gone afterwards. */
export async function withFolder<R>(use: (folder: string) => Promise<R>): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'train-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
