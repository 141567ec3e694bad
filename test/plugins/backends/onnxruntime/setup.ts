import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import type { OnnxruntimeBackend } from '../../../../plugins/backends/onnxruntime/backend.ts';
import { register, type BackendOptions } from '../../../../plugins/backends/onnxruntime/index.ts';

/** Makes a fresh onnxruntime backend and selects it. Small calls are recorded too unless said otherwise. */
export async function fresh(options: BackendOptions = {}): Promise<OnnxruntimeBackend> {
  await tf.setBackend('cpu');
  register({ threads: 1, smallElements: 0, warn: false, ...options });
  if (tf.engine().registryFactory['onnxruntime'] && tf.findBackend('onnxruntime')) tf.removeBackend('onnxruntime');
  register({ threads: 1, smallElements: 0, warn: false, ...options });
  await tf.setBackend('onnxruntime');
  return tf.backend() as OnnxruntimeBackend;
}

/** The values of tensors, which are freed. */
export function values(tensors: Tensor | Tensor[]): { shape: number[]; dtype: string; data: (number | string)[] }[] {
  const list = Array.isArray(tensors) ? tensors : [tensors];
  const found = list.map(t => ({ shape: t.shape, dtype: t.dtype, data: Array.from<number | string>(t.dataSync()) }));
  tf.dispose(list);
  return found;
}

/**
 * The largest difference relative to 1 + the magnitude + the tensor's root mean square, since sums that cancel are as far
 * off as others; NaN where only one is NaN or a shape differs.
 */
export function difference(a: ReturnType<typeof values>, b: ReturnType<typeof values>): number {
  if (a.length !== b.length) return NaN;
  let worst = 0;
  a.forEach((expected, i) => {
    const got = b[i]!;
    if (got.dtype !== expected.dtype || got.shape.join() !== expected.shape.join()) worst = NaN;
    const numbers = Array.from(expected.data, Number).filter(Number.isFinite);
    const scale = 1 + Math.sqrt(numbers.reduce((sum, p) => sum + p * p, 0) / Math.max(1, numbers.length));
    expected.data.forEach((p, k) => {
      const q = got.data[k]!;
      if (Object.is(p, q) || p === q) return;
      const apart = typeof p === 'number' && typeof q === 'number' ? Math.abs(p - q) / (scale + Math.abs(p)) : NaN;
      if (!(apart <= worst)) worst = apart;
    });
  });
  return worst;
}

/** Computes something on tfjs's cpu backend. */
export async function onCpu<T>(compute: () => T): Promise<T> {
  const before = tf.getBackend();
  await tf.setBackend('cpu');
  try {
    return compute();
  } finally {
    await tf.setBackend(before);
  }
}
