import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { decode, encode } from '../../../kernel/graph/file.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { Network } from '../../../kernel/graph/run.ts';
import type { Model } from '../../../kernel/plugin.ts';
import { parseOptions, prune } from '../../../kernel/prune/prune.ts';
import { random } from '../../../kernel/random.ts';
import { magnitudeL2 } from '../../../plugins/criteria/index.ts';
import * as models from '../../../plugins/models/index.ts';
import { protectedGlobal } from '../../../plugins/strategies/index.ts';
import { scrambled } from '../../kernel/graph/oracle.ts';
import { assertSameInOnnx } from '../formats/oracle.ts';
import { forms } from './forms.ts';

describe('models', () => {
  describe('protect their input and their outputs, and nothing else', () => {
    for (const model of Object.values(models) as Model[])
      it(model.id, () => {
        const graph = model.build(parseOptions(model));
        const [first] = graph.nodes.filter(({ op }) => op === 'conv');
        const outputs = graph.outputs.flatMap(id => {
          const node = graph.nodes.find(node => node.id === id)!;
          return (node.op === 'concat' ? node.inputs : [id]).map(layer => [layer, `output ${id} of the network`]);
        });
        assert.deepEqual(
          groups(graph).flatMap(({ id, protected: reason }) => (reason === undefined ? [] : [[id, reason]])),
          [[`${first!.id}.input`, 'input image of the network'], ...outputs],
        );
      });
  });

  describe('pruned to half their multiply-adds', () => {
    for (const { name, build } of forms)
      it(`${name}: written, read and exported, computes the same`, async () => {
        const options = { criterion: magnitudeL2, strategy: protectedGlobal, speedup: 2, steps: 100 };
        const { graph: pruned, speedup } = await prune(build(), options);
        assert.ok(speedup >= 2);
        const graph = scrambled(pruned);
        await assertSameInOnnx(graph, [2]);
        const read = decode(encode(graph));
        const [a, b] = [new Network(graph), new Network(read)];
        tf.tidy(() => {
          const [shape] = Object.values(graph.inputs);
          const source = random(2, 'image');
          const image = Float32Array.from({ length: shape!.reduce((n, d) => n * d, 1) }, () => source.normal());
          const x = tf.tensor(image, [1, ...shape!]);
          const outputs = b.apply(x).map(y => y.dataSync());
          a.apply(x).forEach((y, i) => assert.deepEqual(outputs[i], y.dataSync()));
        });
        a.dispose();
        b.dispose();
      });
  });
});
