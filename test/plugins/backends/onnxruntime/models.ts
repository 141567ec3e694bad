import * as tf from '@tensorflow/tfjs';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs';
import { native } from '../../../../kernel/own-kernels.ts';
import { normal } from './cases.ts';

/** A network under training: its variables, and the function from images to logits. */
export interface Network {
  readonly variables: Variable[];
  readonly statistics: Variable[];
  /** Logits of classes, or whatever {@link Network.loss} takes. */
  forward(x: Tensor4D, training: boolean): Tensor;
  /** The loss where it is not the cross-entropy of logits. */
  readonly loss?: (y: Tensor) => Scalar;
}

type Layer = (x: Tensor, training: boolean) => Tensor;

/** Makes the layers of a network and keeps their variables. */
class Layers {
  readonly variables: Variable[] = [];
  readonly statistics: Variable[] = [];
  private seed = 1;

  private variable(value: Tensor, trainable = true): Variable {
    const variable = tf.variable(value, trainable);
    value.dispose();
    (trainable ? this.variables : this.statistics).push(variable);
    return variable;
  }

  conv(kernel: number, input: number, output: number, stride = 1, pad = (kernel - 1) / 2): Layer {
    const deviation = Math.sqrt(2 / (kernel * kernel * input));
    const filter = this.variable(
      normal([kernel, kernel, input, output], deviation, this.seed++),
    ) as unknown as Tensor4D;
    return x => tf.conv2d(x as Tensor4D, filter, stride, pad);
  }

  depthwise(channels: number, stride = 1): Layer {
    const filter = this.variable(normal([3, 3, channels, 1], 0.5, this.seed++)) as unknown as Tensor4D;
    return x => tf.depthwiseConv2d(x as Tensor4D, filter, stride, 1);
  }

  /** A vector of parameters per channel, or a table of them. */
  parameter(...shape: number[]): Variable {
    return this.variable(normal(shape, 0.02, this.seed++));
  }

  norm(channels: number): Layer {
    const [scale, offset] = [this.variable(tf.ones([channels])), this.variable(tf.zeros([channels]))];
    const [mean, variance] = [this.variable(tf.zeros([channels]), false), this.variable(tf.ones([channels]), false)];
    const epsilon = 1e-5;
    const track = (running: Variable, batch: Tensor) =>
      running.assign(tf.add(tf.mul(running, 0.9), tf.mul(batch, 0.1)));
    return (x, training) => {
      const [m, v, o, s] = [mean, variance, offset, scale] as unknown as Tensor1D[];
      if (!training) return tf.batchNorm(x as Tensor4D, m!, v!, o, s, epsilon);
      const outputs = native('TrainingBatchNorm', { x, scale, offset }, { epsilon });
      if (outputs) {
        const [y, batchMean, batchVariance] = outputs as [Tensor, Tensor, Tensor];
        track(mean, batchMean);
        track(variance, batchVariance);
        return y;
      }
      const moments = tf.moments(x, [0, 1, 2]);
      track(mean, moments.mean);
      track(variance, moments.variance);
      return tf.batchNorm(x as Tensor4D, moments.mean as Tensor1D, moments.variance as Tensor1D, o, s, epsilon);
    };
  }

  /** A dense layer over the last axis. */
  dense(input: number, output: number): Layer {
    const weights = this.variable(normal([input, output], Math.sqrt(1 / input), this.seed++));
    const bias = this.variable(tf.zeros([output]));
    return x => {
      const rows = tf.reshape(x, [-1, input]) as Tensor2D;
      const y = tf.add(tf.matMul(rows, weights as unknown as Tensor2D), bias);
      return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), output]);
    };
  }

  layerNorm(channels: number): Layer {
    const [scale, offset] = [this.variable(tf.ones([channels])), this.variable(tf.zeros([channels]))];
    return x => {
      const y = native('LayerNorm', { x, scale, offset }, { epsilon: 1e-6 });
      if (y) return y as Tensor;
      const { mean, variance } = tf.moments(x, -1, true);
      return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-6))), scale), offset);
    };
  }

  /** Self-attention of so many heads. */
  attention(channels: number, heads: number): Layer {
    const [qkv, out] = [this.dense(channels, 3 * channels), this.dense(channels, channels)];
    return (x, t) => {
      const [n, tokens] = x.shape as [number, number];
      const parts = tf.reshape(qkv(x, t), [n, tokens, 3, heads, channels / heads]);
      const [q, k, v] = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4])) as [Tensor, Tensor, Tensor];
      const weights = tf.softmax(tf.matMul(tf.mul(q, (channels / heads) ** -0.5), k, false, true));
      return out(tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [n, tokens, channels]), t);
    };
  }

  /** A block of a vision transformer. */
  transformer(channels: number, heads: number): Layer {
    const [norm1, attention] = [this.layerNorm(channels), this.attention(channels, heads)];
    const [norm2, wide, narrow] = [
      this.layerNorm(channels),
      this.dense(channels, 4 * channels),
      this.dense(4 * channels, channels),
    ];
    const gelu = (x: Tensor) =>
      (native('Gelu', { x }) as Tensor | undefined) ??
      tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
    return (x, t) => {
      const y = tf.add(x, attention(norm1(x, t), t));
      return tf.add(y, narrow(gelu(wide(norm2(y, t), t)), t));
    };
  }

  /** Convolution, batch norm and SiLU. */
  unit(kernel: number, input: number, output: number, stride = 1): Layer {
    const [conv, norm] = [this.conv(kernel, input, output, stride), this.norm(output)];
    return (x, t) => {
      const y = norm(conv(x, t), t);
      return (native('Silu', { x: y }) as Tensor | undefined) ?? tf.mul(y, tf.sigmoid(y));
    };
  }

  /** YOLOv8's C2f: two halves, one of which goes through so many bottlenecks, all of them joined. */
  c2f(input: number, output: number, count: number, shortcut: boolean): Layer {
    const half = output / 2;
    const first = this.unit(1, input, output);
    const pairs = Array.from({ length: count }, () => [this.unit(3, half, half), this.unit(3, half, half)] as const);
    const last = this.unit(1, (2 + count) * half, output);
    return (x, t) => {
      const parts = [...tf.split(first(x, t), 2, 3)];
      for (const [a, b] of pairs) {
        const input = parts[parts.length - 1]!;
        const y = b(a(input, t), t);
        parts.push(shortcut ? tf.add(input, y) : y);
      }
      return last(tf.concat(parts, 3), t);
    };
  }

  /** YOLOv8's pyramid of max pools. */
  sppf(channels: number): Layer {
    const [first, last] = [this.unit(1, channels, channels / 2), this.unit(1, channels * 2, channels)];
    return (x, t) => {
      const pools = [first(x, t)];
      for (let i = 0; i < 3; i++) pools.push(tf.maxPool(pools[i] as Tensor4D, 5, 1, 2));
      return last(tf.concat(pools, 3), t);
    };
  }

  /** MobileNet's separable convolution. */
  separable(input: number, output: number, stride: number): Layer {
    const [depthwise, norm1] = [this.depthwise(input, stride), this.norm(input)];
    const [pointwise, norm2] = [this.conv(1, input, output), this.norm(output)];
    return (x, t) => tf.relu6(norm2(pointwise(tf.relu6(norm1(depthwise(x, t), t)), t), t));
  }

  /** A residual block of two convolutions. */
  block(input: number, output: number, stride: number): Layer {
    const [first, norm1] = [this.conv(3, input, output, stride), this.norm(output)];
    const [second, norm2] = [this.conv(3, output, output), this.norm(output)];
    const down = stride > 1 || input !== output ? [this.conv(1, input, output, stride), this.norm(output)] : [];
    return (x, t) => {
      const y = norm2(second(tf.relu(norm1(first(x, t), t)), t), t);
      const shortcut = down.reduce((value, layer) => layer(value, t), x);
      return tf.relu(tf.add(y, shortcut));
    };
  }
}

/** ResNet for small images: so many blocks per stage, each stage twice as wide as the one before. */
export function resnet(width: number, blocks: readonly number[], classes = 10): Network {
  const layers = new Layers();
  const [stem, norm] = [layers.conv(3, 3, width), layers.norm(width)];
  const body: Layer[] = [];
  let channels = width;
  blocks.forEach((count, stage) => {
    for (let i = 0; i < count; i++) {
      const next = width * 2 ** stage;
      body.push(layers.block(channels, next, i === 0 && stage > 0 ? 2 : 1));
      channels = next;
    }
  });
  const head = layers.dense(channels, classes);
  const { variables, statistics } = layers;
  return {
    variables,
    statistics,
    forward(x, training) {
      let y = tf.relu(norm(stem(x, training), training));
      for (const block of body) y = block(y, training);
      return head(tf.mean(y, [1, 2]), training);
    },
  };
}

/** MobileNet: a stem and separable convolutions, for small images. */
export function mobilenet(width: number, strides: readonly number[]): Network {
  const layers = new Layers();
  const [stem, norm] = [layers.conv(3, 3, width, 2), layers.norm(width)];
  let channels = width;
  const body = strides.map(stride => {
    const next = channels * stride;
    const layer = layers.separable(channels, next, stride);
    channels = next;
    return layer;
  });
  const head = layers.dense(channels, 10);
  const { variables, statistics } = layers;
  return {
    variables,
    statistics,
    forward(x, t) {
      let y: Tensor = tf.relu6(norm(stem(x, t), t));
      for (const layer of body) y = layer(y, t);
      return head(tf.mean(y, [1, 2]), t);
    },
  };
}

/** Vision transformer (Dosovitskiy et al. 2021) with a class token; `size` is the image's, in patches of `patch`. */
export function vit(options: {
  size: number;
  patch: number;
  channels: number;
  heads: number;
  depth: number;
  classes?: number;
  dropout?: number;
}): Network {
  const { size, patch, channels, heads, depth, classes = 10, dropout = 0 } = options;
  const layers = new Layers();
  const tokens = (size / patch) ** 2;
  const embed = layers.conv(patch, 3, channels, patch, 0);
  const bias = layers.parameter(channels);
  const [token, positions] = [layers.parameter(1, 1, channels), layers.parameter(1, tokens + 1, channels)];
  const blocks = Array.from({ length: depth }, () => layers.transformer(channels, heads));
  const [norm, head] = [layers.layerNorm(channels), layers.dense(channels, classes)];
  const { variables, statistics } = layers;
  return {
    variables,
    statistics,
    forward(x, t) {
      const patches = tf.reshape(tf.add(embed(x, t), bias), [-1, tokens, channels]);
      const first = tf.tile(token as unknown as Tensor, [x.shape[0], 1, 1]);
      let y: Tensor = tf.add(tf.concat([first, patches], 1), positions);
      if (dropout > 0 && t) y = tf.dropout(y, dropout, undefined, 1);
      for (const block of blocks) y = block(y, t);
      const last = tf.slice(norm(y, t), [0, 0, 0], [-1, 1, -1]);
      return head(tf.reshape(last, [-1, channels]), t);
    },
  };
}

/** The network of YOLOv8 (no loss): `width` is 16 and `depth` 1 for n. Gives [images, places, 64 + classes]. */
export function yolo(width = 16, classes = 80): Network {
  const layers = new Layers();
  const w = [1, 2, 4, 8, 16].map(times => width * times) as [number, number, number, number, number];
  const stem = [layers.unit(3, 3, w[0], 2), layers.unit(3, w[0], w[1], 2), layers.c2f(w[1], w[1], 1, true)];
  const p3 = [layers.unit(3, w[1], w[2], 2), layers.c2f(w[2], w[2], 2, true)];
  const p4 = [layers.unit(3, w[2], w[3], 2), layers.c2f(w[3], w[3], 2, true)];
  const p5 = [layers.unit(3, w[3], w[4], 2), layers.c2f(w[4], w[4], 1, true), layers.sppf(w[4])];
  const up4 = layers.c2f(w[4] + w[3], w[3], 1, false);
  const up3 = layers.c2f(w[3] + w[2], w[2], 1, false);
  const down4 = [layers.unit(3, w[2], w[2], 2), layers.c2f(w[2] + w[3], w[3], 1, false)] as const;
  const down5 = [layers.unit(3, w[3], w[3], 2), layers.c2f(w[3] + w[4], w[4], 1, false)] as const;
  const branch = (input: number, middle: number, output: number) => {
    const bias = layers.parameter(output);
    const parts = [layers.unit(3, input, middle), layers.unit(3, middle, middle), layers.conv(1, middle, output)];
    return (x: Tensor, t: boolean) => tf.add(run(parts, x, t), bias);
  };
  const heads = [w[2], w[3], w[4]].map(
    input => [branch(input, Math.max(16, w[2] / 4, 64), 64), branch(input, Math.max(w[2], classes), classes)] as const,
  );
  const run = (parts: readonly Layer[], x: Tensor, t: boolean) => parts.reduce((y, layer) => layer(y, t), x);
  const double = (x: Tensor) => tf.image.resizeNearestNeighbor(x as Tensor4D, [x.shape[1]! * 2, x.shape[2]! * 2]);
  const { variables, statistics } = layers;
  return {
    variables,
    statistics,
    forward(x, t) {
      const a = run(p3, run(stem, x, t), t);
      const b = run(p4, a, t);
      const c = run(p5, b, t);
      const d = up4(tf.concat([double(c), b], 3), t);
      const e = up3(tf.concat([double(d), a], 3), t);
      const f = down4[1](tf.concat([down4[0](e, t), d], 3), t);
      const g = down5[1](tf.concat([down5[0](f, t), c], 3), t);
      const outputs = [e, f, g].map((level, i) => {
        const y = tf.concat(
          heads[i]!.map(head => head(level, t)),
          3,
        );
        return tf.reshape(y, [y.shape[0]!, -1, 64 + classes]);
      });
      return tf.concat(outputs, 1);
    },
    loss: y => tf.mean(tf.square(y)) as Scalar,
  };
}

/** Convolution, pooling and depthwise convolution, for 8x8 images. */
export function convnet(width: number): Network {
  const layers = new Layers();
  const [first, norm, second] = [layers.conv(3, 3, width), layers.norm(width), layers.depthwise(width)];
  const head = layers.dense(width * 16, 10);
  const { variables, statistics } = layers;
  return {
    variables,
    statistics,
    forward(x, training) {
      const y = tf.maxPool(tf.relu6(norm(first(x, training), training)) as Tensor4D, 2, 2, 'valid');
      return head(tf.reshape(tf.relu(second(y, training)), [x.shape[0], -1]), training);
    },
  };
}

/** Mean cross-entropy. */
export const crossEntropy = (logits: Tensor2D, labels: Tensor1D) =>
  tf.losses.softmaxCrossEntropy(tf.oneHot(labels, logits.shape[1]), logits) as Scalar;

/** One step of an optimizer; gives the loss. */
export const step = (network: Network, optimizer: tf.Optimizer, x: Tensor4D, labels: Tensor1D): Scalar =>
  tf.tidy('step', () =>
    optimizer.minimize(
      () => {
        const y = network.forward(x, true);
        return network.loss?.(y) ?? crossEntropy(y as Tensor2D, labels);
      },
      true,
      network.variables,
    )!,
  );

/** Frees a network. */
export const dispose = ({ variables, statistics }: Network) => tf.dispose([...variables, ...statistics]);

/** Images and labels. */
export function batch(count: number, size: number, seed = 99): { x: Tensor4D; labels: Tensor1D } {
  const labels = tf.tensor1d(
    Int32Array.from({ length: count }, (_, i) => i % 10),
    'int32',
  );
  return { x: normal([count, size, size, 3], 1, seed) as Tensor4D, labels };
}
