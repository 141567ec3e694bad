import * as tf from '@tensorflow/tfjs';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs';
import { normal } from './cases.ts';

/** A network under training: its variables, and the function from images to logits. */
export interface Network {
  readonly variables: Variable[];
  readonly statistics: Variable[];
  forward(x: Tensor4D, training: boolean): Tensor2D;
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

  conv(kernel: number, input: number, output: number, stride = 1): Layer {
    const deviation = Math.sqrt(2 / (kernel * kernel * input));
    const filter = this.variable(
      normal([kernel, kernel, input, output], deviation, this.seed++),
    ) as unknown as Tensor4D;
    return x => tf.conv2d(x as Tensor4D, filter, stride, (kernel - 1) / 2);
  }

  depthwise(channels: number): Layer {
    const filter = this.variable(normal([3, 3, channels, 1], 0.5, this.seed++)) as unknown as Tensor4D;
    return x => tf.depthwiseConv2d(x as Tensor4D, filter, 1, 1);
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
      if (tf.getKernel('TrainingBatchNorm', tf.getBackend())) {
        const outputs: unknown = tf.engine().runKernel('TrainingBatchNorm', { x, scale, offset }, { epsilon });
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

  dense(input: number, output: number): Layer {
    const weights = this.variable(normal([input, output], Math.sqrt(1 / input), this.seed++));
    const bias = this.variable(tf.zeros([output]));
    return x => tf.add(tf.matMul(x as Tensor2D, weights as unknown as Tensor2D), bias);
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
      return head(tf.mean(y, [1, 2]), training) as Tensor2D;
    },
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
      return head(tf.reshape(tf.relu(second(y, training)), [x.shape[0], -1]), training) as Tensor2D;
    },
  };
}

/** Mean cross-entropy. */
export const crossEntropy = (logits: Tensor2D, labels: Tensor1D) =>
  tf.losses.softmaxCrossEntropy(tf.oneHot(labels, logits.shape[1]), logits) as Scalar;

/** One step of an optimizer; gives the loss. */
export const step = (network: Network, optimizer: tf.Optimizer, x: Tensor4D, labels: Tensor1D): Scalar =>
  tf.tidy('step', () =>
    optimizer.minimize(() => crossEntropy(network.forward(x, true), labels), true, network.variables)!,
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
