import { Builder, type Initializer } from '../../../../kernel/graph/builder.ts';
import type { Graph } from '../../../../kernel/graph/graph.ts';

/** A detector that is small enough to train in a test: strides 8, 16, 32, without a neck. */
export function tinyDetector(image: number, classes: number, width = 16, seed = 1): Graph {
  const b = new Builder('tiny-detector', seed);
  let x = b.input('image', [image, image, 3]);
  const block = (id: string, filters: number, stride: number) => {
    const conv = b.conv(`${id}.conv`, x, { filters, kernel: 3, stride, padding: 1 });
    x = b.relu(`${id}.relu`, b.batchNorm(`${id}.norm`, conv));
  };
  block('p1', width, 2);
  block('p2', 2 * width, 2);
  const outputs = [3, 4, 5].map(level => {
    block(`p${level}`, 4 * width, 2);
    block(`p${level}.more`, 4 * width, 1);
    const biasInitializer = unsure(classes);
    return b.conv(`head${level}`, x, { filters: 64 + classes, kernel: 1, bias: true, biasInitializer });
  });
  return b.build(...outputs);
}

/** Class logits of about 1 percent, so that training does not begin with unlearning everything. */
const unsure =
  (classes: number): Initializer =>
  shape =>
    Float32Array.from({ length: shape[0]! }, (_, i) => (i < shape[0]! - classes ? 0 : -4.5));
