import { random, type Random } from '../random.ts';
import { check } from './check.ts';
import type { Graph, Node } from './graph.ts';
import { ops, type OpName } from './ops/index.ts';
import { channelsOf } from './op.ts';
import { Parameter, type Shape } from './parameter.ts';

/** Values of a parameter from its shape and a stream of random numbers that is its own. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;

/** The same value everywhere. */
export const filled =
  (value: number): Initializer =>
  shape =>
    new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
/** Zero everywhere. */
export const zeros = filled(0);
/** One everywhere. */
export const ones = filled(1);
/** Normal with the given deviation. */
export const normal =
  (deviation: number): Initializer =>
  (shape, random) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
    return values;
  };
/** Uniform from -bound to bound. */
export const uniform =
  (bound: number): Initializer =>
  (shape, random) => {
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < values.length; i++) values[i] = bound * (2 * random.uniform() - 1);
    return values;
  };
/** He et al. 2015 for ReLU, by the values that leave a kernel: deviation sqrt(2 / (height x width x out)). */
export const kaimingFanOut: Initializer = (shape, random) =>
  normal(Math.sqrt(2 / (shape.slice(0, -2).reduce((a, b) => a * b, 1) * shape[shape.length - 1]!)))(shape, random);
/** He et al. 2015 for ReLU, by the values that enter: deviation sqrt(2 / (height x width x in)). */
export const kaimingFanIn: Initializer = (shape, random) =>
  normal(Math.sqrt(2 / shape.slice(0, -1).reduce((a, b) => a * b, 1)))(shape, random);
/** PyTorch's default: uniform within 1 / sqrt(values that enter). */
export const fanInUniform: Initializer = (shape, random) =>
  uniform(1 / Math.sqrt(shape.slice(0, -1).reduce((a, b) => a * b, 1)))(shape, random);

export type Pair = number | readonly [number, number];
const pair = (value: Pair): [number, number] => (typeof value === 'number' ? [value, value] : [...value]);
const around = (value: Pair): [[number, number], [number, number]] => {
  const [height, width] = pair(value);
  return [
    [height, height],
    [width, width],
  ];
};

export interface WindowOptions {
  readonly kernel: Pair;
  readonly stride?: Pair;
  /** Places added on every side. */
  readonly padding?: Pair;
}
export interface MaxPoolOptions extends WindowOptions {
  /** A last window that lies partly outside counts too, as in PyTorch's `ceil_mode`. */
  readonly ceil?: boolean;
}
export interface ConvOptions extends WindowOptions {
  readonly filters: number;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly kernelInitializer?: Initializer;
  readonly biasInitializer?: Initializer;
}
export interface DenseOptions {
  readonly units: number;
  readonly bias?: boolean;
  readonly kernelInitializer?: Initializer;
  readonly biasInitializer?: Initializer;
}

export interface AttentionOptions {
  readonly heads: number;
  /** What is pruned as one: a dimension of all heads (default) or a head. */
  readonly prune?: 'dimensions' | 'heads';
  /** Factor of the scores. */
  readonly scale?: number;
}

/**
 * Builds a graph layer by layer. Every method takes the id of the new layer and the ids it reads, and returns the new
 * id. Parameters are named `<id>.<role>` and made from the seed when they are first read.
 */
export class Builder {
  readonly #name: string;
  readonly #seed: number;
  readonly #inputs: Record<string, Shape> = {};
  readonly #nodes: Node[] = [];
  readonly #parameters = new Map<string, Parameter>();
  readonly #shapes = new Map<string, Shape>();

  constructor(name: string, seed = 0) {
    this.#name = name;
    this.#seed = seed;
  }

  /** Shape of a value, without the batch. */
  shape(id: string): Shape {
    const shape = this.#shapes.get(id);
    if (!shape) throw new Error(`${this.#name}: no value ${id}`);
    return shape;
  }

  channels(id: string): number {
    return channelsOf(this.shape(id));
  }

  input(id: string, shape: Shape): string {
    this.#inputs[id] = shape;
    this.#shapes.set(id, shape);
    return id;
  }

  node(
    op: OpName,
    id: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, unknown>> = {},
    parameters: Readonly<Record<string, { shape: Shape; initializer: Initializer; trainable?: boolean }>> = {},
  ): string {
    const names: Record<string, string> = {};
    const shapes: Record<string, Shape> = {};
    for (const [role, { shape, initializer, trainable = true }] of Object.entries(parameters)) {
      const name = (names[role] = `${id}.${role}`);
      shapes[role] = shape;
      this.#parameters.set(name, new Parameter(shape, () => initializer(shape, random(this.#seed, name)), trainable));
    }
    this.#nodes.push({ id, op, inputs: [...inputs], attributes, parameters: names });
    const view = { id, attributes, inputs: inputs.map(i => this.shape(i)), names, parameters: shapes };
    this.#shapes.set(id, ops[op].shape(view));
    return id;
  }

  conv(id: string, x: string, options: ConvOptions): string {
    const { filters, kernel, stride = 1, padding = 0, dilation = 1, groups = 1, bias = false } = options;
    const { kernelInitializer = kaimingFanOut, biasInitializer = zeros } = options;
    const [kh, kw] = pair(kernel);
    return this.node(
      'conv',
      id,
      [x],
      { stride: pair(stride), padding: around(padding), dilation: pair(dilation), groups },
      {
        kernel: { shape: [kh, kw, this.channels(x) / groups, filters], initializer: kernelInitializer },
        ...(bias ? { bias: { shape: [filters], initializer: biasInitializer } } : {}),
      },
    );
  }

  dense(id: string, x: string, options: DenseOptions): string {
    const { units, bias = true, kernelInitializer = fanInUniform } = options;
    const features = this.channels(x);
    const { biasInitializer = uniform(1 / Math.sqrt(features)) } = options;
    return this.node(
      'dense',
      id,
      [x],
      {},
      {
        kernel: { shape: [features, units], initializer: kernelInitializer },
        ...(bias ? { bias: { shape: [units], initializer: biasInitializer } } : {}),
      },
    );
  }

  batchNorm(id: string, x: string, { epsilon = 1e-5, momentum = 0.1, scaleInitializer = ones } = {}): string {
    const shape = [this.channels(x)];
    return this.node(
      'batch-norm',
      id,
      [x],
      { epsilon, momentum },
      {
        scale: { shape, initializer: scaleInitializer },
        offset: { shape, initializer: zeros },
        mean: { shape, initializer: zeros, trainable: false },
        variance: { shape, initializer: ones, trainable: false },
      },
    );
  }

  layerNorm(id: string, x: string, { epsilon = 1e-6 } = {}): string {
    const shape = [this.channels(x)];
    return this.node(
      'layer-norm',
      id,
      [x],
      { epsilon },
      {
        scale: { shape, initializer: ones },
        offset: { shape, initializer: zeros },
      },
    );
  }

  activation(op: 'relu' | 'relu6' | 'sigmoid' | 'silu' | 'gelu', id: string, x: string): string {
    return this.node(op, id, [x]);
  }

  relu(id: string, x: string): string {
    return this.activation('relu', id, x);
  }

  maxPool(id: string, x: string, options: MaxPoolOptions): string {
    const { kernel, stride = kernel, padding = 0, ceil = false } = options;
    const window = { kernel: pair(kernel), stride: pair(stride), padding: around(padding) };
    if (ceil)
      window.padding.forEach((border, axis) => {
        const rest = (this.shape(x)[axis]! + border[0] + border[1] - window.kernel[axis]!) % window.stride[axis]!;
        if (rest > 0) border[1] += window.stride[axis]! - rest;
      });
    return this.node('max-pool', id, [x], window);
  }

  averagePool(id: string, x: string, { kernel, stride = kernel, padding = 0 }: WindowOptions): string {
    return this.node('average-pool', id, [x], { kernel: pair(kernel), stride: pair(stride), padding: around(padding) });
  }

  globalAveragePool(id: string, x: string): string {
    return this.node('global-average-pool', id, [x]);
  }

  flatten(id: string, x: string): string {
    return this.node('flatten', id, [x]);
  }

  add(id: string, a: string, b: string): string {
    return this.node('add', id, [a, b]);
  }

  multiply(id: string, a: string, b: string): string {
    return this.node('multiply', id, [a, b]);
  }

  concat(id: string, inputs: readonly string[]): string {
    return this.node('concat', id, inputs);
  }

  slice(id: string, x: string, begin: number, size: number): string {
    return this.node('slice', id, [x], { begin, size });
  }

  /** Channels by index. */
  gather(id: string, x: string, indices: readonly number[]): string {
    return this.node('gather', id, [x], { indices: [...indices] });
  }

  /** Channel shuffle (Zhang et al. 2018): one channel of every group after the other. */
  channelShuffle(id: string, x: string, groups: number): string {
    const length = this.channels(x);
    const source = (i: number) => (i % groups) * (length / groups) + Math.floor(i / groups);
    return this.gather(
      id,
      x,
      Array.from({ length }, (_, i) => source(i)),
    );
  }

  /** Pixel shuffle, in PyTorch's order unless told otherwise. */
  depthToSpace(id: string, x: string, block: number, mode: 'DCR' | 'CRD' = 'CRD'): string {
    return this.node('depth-to-space', id, [x], { block, mode });
  }

  spaceToDepth(id: string, x: string, block: number, mode: 'DCR' | 'CRD' = 'CRD'): string {
    return this.node('space-to-depth', id, [x], { block, mode });
  }

  /** An image enlarged by whole factors, nearest neighbour. */
  upsample(id: string, x: string, scale: Pair): string {
    return this.node('upsample', id, [x], { scale: pair(scale) });
  }

  /** An image as tokens, row by row. */
  tokens(id: string, x: string): string {
    return this.node('tokens', id, [x]);
  }

  classToken(id: string, x: string, { initializer = zeros } = {}): string {
    return this.node('class-token', id, [x], {}, { token: { shape: [this.channels(x)], initializer } });
  }

  positionEmbedding(id: string, x: string, { initializer = normal(0.02) } = {}): string {
    return this.node('position-embedding', id, [x], {}, { embedding: { shape: this.shape(x), initializer } });
  }

  /** One of the tokens, as a vector. */
  token(id: string, x: string, index = 0): string {
    return this.node('token', id, [x], { index });
  }

  /** Attention of q, k and v, whose channels are those of all heads; by default scaled by the root of the head's size. */
  attention(id: string, q: string, k: string, v: string, options: AttentionOptions): string {
    const { heads, prune = 'dimensions', scale = (this.channels(q) / heads) ** -0.5 } = options;
    return this.node('attention', id, [q, k, v], { heads, scale, prune });
  }

  /** The verified graph that returns these values. */
  build(...outputs: string[]): Graph {
    return check({
      name: this.#name,
      inputs: { ...this.#inputs },
      nodes: [...this.#nodes],
      outputs,
      parameters: new Map(this.#parameters),
    });
  }
}
