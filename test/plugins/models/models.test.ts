import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { decode, encode } from '../../../kernel/graph/file.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import { Network } from '../../../kernel/graph/run.ts';
import type { Model } from '../../../kernel/plugin.ts';
import { prune } from '../../../kernel/prune/prune.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { random } from '../../../kernel/random.ts';
import { magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { build } from '../../../plugins/api.ts';
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

  // Torch calls kernel, scale, offset, mean and variance weight, weight, bias, running_mean and running_var.
  const named: Record<string, string[]> = {
    'vit-small': [
      'cls_token.token',
      'pos_embed.embedding',
      'patch_embed.proj.bias',
      'blocks.0.norm1.scale',
      'blocks.11.attn.qkv.kernel',
      'blocks.11.attn.proj.bias',
      'blocks.3.norm2.offset',
      'blocks.3.mlp.fc1.kernel',
      'blocks.3.mlp.fc2.kernel',
      'norm.scale',
      'head.kernel',
    ],
    yolov8n: [
      'model.0.conv.kernel',
      'model.0.bn.scale',
      'model.2.cv1.conv.kernel',
      'model.2.m.0.cv1.conv.kernel',
      'model.9.cv2.bn.mean',
      'model.21.cv2.conv.kernel',
      'model.22.cv2.0.0.conv.kernel',
      'model.22.cv2.0.2.bias',
      'model.22.cv3.2.1.bn.variance',
      'model.22.cv3.2.2.kernel',
    ],
    mobilenetv2: [
      'features.0.0.kernel',
      'features.0.1.scale',
      'features.1.conv.0.0.kernel',
      'features.1.conv.1.kernel',
      'features.1.conv.2.mean',
      'features.17.conv.1.1.offset',
      'features.17.conv.3.scale',
      'features.18.1.scale',
      'classifier.1.bias',
    ],
    densenet121: [
      'features.conv0.kernel',
      'features.norm0.scale',
      'features.denseblock4.denselayer16.norm1.mean',
      'features.denseblock4.denselayer16.conv2.kernel',
      'features.transition3.norm.scale',
      'features.transition3.conv.kernel',
      'features.norm5.scale',
      'classifier.kernel',
    ],
    googlenet: [
      'conv1.conv.kernel',
      'conv3.bn.scale',
      'inception3a.branch1.conv.kernel',
      'inception4e.branch2.1.bn.mean',
      'inception5b.branch4.1.conv.kernel',
      'fc.bias',
    ],
    resnext50: [
      'conv1.kernel',
      'bn1.scale',
      'layer1.0.conv2.kernel',
      'layer1.0.downsample.1.mean',
      'layer4.2.bn3.scale',
      'fc.kernel',
    ],
  };
  for (const [model, names] of Object.entries(named))
    it(`${model}: layers are called as where its weights come from`, () => {
      const { parameters } = build(model, { image: 64, classes: 5 });
      for (const name of names) assert.ok(parameters.has(name), name);
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
