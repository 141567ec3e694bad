import * as tf from '@tensorflow/tfjs';

/**
 * Outputs that ONNX Runtime computes from a file with one input. Images are channels last here, `[batch, height, width,
 * channels]`, and have their channels first in the file.
 */
export async function runOnnx(file: Uint8Array, x: tf.Tensor): Promise<tf.Tensor[]> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(file, { executionProviders: ['cpu'], logSeverityLevel: 3 });
  try {
    const [name, ...others] = session.inputNames;
    if (others.length > 0) throw new Error(`runOnnx: the file has ${others.length + 1} inputs, needs 1`);
    const first = transposed(x, [0, 3, 1, 2]);
    const feed = new Tensor('float32', await first.data<'float32'>(), first.shape);
    first.dispose();
    const results = await session.run({ [name!]: feed });
    return session.outputNames.map(output => {
      const { data, dims } = results[output]!;
      return tf.tidy(() => transposed(tf.tensor(data as Float32Array, [...dims]), [0, 2, 3, 1]));
    });
  } finally {
    await session.release();
  }
}

const transposed = (x: tf.Tensor, order: number[]): tf.Tensor => (x.rank === 4 ? tf.transpose(x, order) : tf.clone(x));
