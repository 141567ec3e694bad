import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../../kernel/graph/builder.ts';
import { Network } from '../../../kernel/graph/run.ts';

describe('average-pool', () => {
  it('counts only what lies in the image, forward and backward', () => {
    const b = new Builder('pool');
    const network = new Network(
      b.build(b.averagePool('pool', b.input('image', [3, 3, 1]), { kernel: 3, stride: 1, padding: 1 })),
    );
    const [y, dx] = tf.tidy(() => {
      const x = tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
      const pool = (image: tf.Tensor) => network.apply(image)[0]!;
      return [
        pool(x).dataSync(),
        tf
          .grad(image => tf.sum(pool(image)))(x)
          .dataSync(),
      ];
    });
    const [corner, edge] = [1 / 4 + 2 / 6 + 1 / 9, 2 / 4 + 3 / 6 + 1 / 9];
    const gradient = [corner, edge, corner, edge, 1 + 4 / 6 + 1 / 9, edge, corner, edge, corner];
    const got = [...y!, ...dx!];
    [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, ...gradient].forEach((value, i) =>
      assert.ok(Math.abs(got[i]! - value) < 1e-5, got.join()),
    );
  });
});
