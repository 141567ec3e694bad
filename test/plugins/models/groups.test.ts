import assert from 'node:assert/strict';
import { groups, type Group } from '../../../kernel/graph/groups.ts';
import { build } from '../../../plugins/api.ts';

const free = (model: string, options = {}) => {
  const graph = build(model, options);
  return { graph, list: groups(graph).filter(group => group.protected === undefined) };
};
const find = (list: readonly Group[], id: string) => list.find(group => group.id === id)!;
/** Layers that produce a group's channels. */
const producers = ({ members }: Group) =>
  members.filter(({ role }) => role === 'out').map(({ parameter }) => parameter.replace(/\.kernel$/, ''));
const lines = (list: readonly Group[]) => list.map(({ id, units }) => `${id} ${units}`);
const indices = ({ members }: Group, parameter: string) =>
  [...members.find(member => member.parameter === parameter)!.units].filter(unit => unit >= 0).length;

describe('groups of models', () => {
  const blocks = [...Array(12).keys()].map(i => `blocks.${i}`);

  it('ViT: the residual stream with its embeddings, the dimensions of each attention, each MLP', () => {
    const { list } = free('vit-small', { classes: 1000 });
    assert.deepEqual(lines(list), [
      'patch_embed.proj 384',
      ...blocks.flatMap(id => [`${id}.attn.qkv 64`, `${id}.mlp.fc1 1536`]),
    ]);
    const [stream, ...inner] = list;
    assert.deepEqual(producers(stream!), [
      'patch_embed.proj',
      ...blocks.flatMap(id => [`${id}.attn.proj`, `${id}.mlp.fc2`]),
    ]);
    const embeddings = stream!.members.filter(({ role }) => role === 'embedding');
    assert.deepEqual(
      embeddings.map(({ parameter, axis }) => [parameter, axis]),
      [
        ['cls_token.token', 0],
        ['pos_embed.embedding', 1],
      ],
    );
    // A norm, two readers and two producers with biases in each block; the last norm and the head read it too.
    assert.equal(stream!.members.length, 4 + 12 * (4 + 2 + 4) + 3);
    for (const group of inner) assert.equal(producers(group).length, 1);
    assert.deepEqual(
      inner[0]!.members.map(({ parameter, axis, units }) => [parameter, axis, units.length / 64]),
      [
        ['blocks.0.attn.qkv.kernel', 1, 18],
        ['blocks.0.attn.qkv.bias', 0, 18],
        ['blocks.0.attn.proj.kernel', 0, 6],
      ],
    );
    assert.deepEqual(
      [...inner[0]!.members[2]!.units],
      [...Array(384).keys()].map(i => i % 64),
    );
  });

  it('ViT with heads: a unit is a head, in queries, keys and values', () => {
    const { list } = free('vit-small', { classes: 1000, prune: 'heads' });
    const heads = find(list, 'blocks.3.attn.qkv');
    assert.equal(heads.units, 6);
    assert.deepEqual(
      [...heads.members[0]!.units],
      [...Array(1152).keys()].map(i => Math.floor((i % 384) / 64)),
    );
    assert.equal(find(list, 'patch_embed.proj').units, 384);
  });

  for (const [size, shortcuts] of Object.entries({ n: 6, s: 6, m: 12, l: 18, x: 18 }))
    it(`YOLOv8${size}: every layer has a group of its own, but that a shortcut ties bottlenecks to a half`, () => {
      const { graph, list } = free(`yolov8${size}`);
      const convs = graph.nodes.filter(({ op }) => op === 'conv').length;
      // Six convolutions are outputs, eight are split into halves.
      assert.equal(list.length, convs - 6 - shortcuts + 8);
      for (const group of list) {
        const [first, ...tied] = producers(group);
        const half = /^(model\.[2468])\.cv1\.conv$/.exec(first!);
        for (const other of tied) assert.ok(half && other.startsWith(`${half[1]}.m.`) && other.endsWith('.cv2.conv'));
      }
    });

  it('YOLOv8: halves of a C2f are apart; without shortcut so is each bottleneck', () => {
    const { list } = free('yolov8n');
    assert.deepEqual(producers(find(list, 'model.4.cv1.conv')), ['model.4.cv1.conv']);
    assert.deepEqual(producers(find(list, 'model.4.cv1.conv:2')), [
      'model.4.cv1.conv',
      'model.4.m.0.cv2.conv',
      'model.4.m.1.cv2.conv',
    ]);
    assert.equal(indices(find(list, 'model.4.cv1.conv:2'), 'model.4.cv2.conv.kernel'), 3 * 32);
    assert.deepEqual(producers(find(list, 'model.12.cv1.conv:2')), ['model.12.cv1.conv']);
    assert.deepEqual(producers(find(list, 'model.12.m.0.cv2.conv')), ['model.12.m.0.cv2.conv']);
    // The pyramid of pools reads one unit in four places.
    assert.equal(indices(find(list, 'model.9.cv1.conv'), 'model.9.cv2.conv.kernel'), 4 * 128);
  });

  for (const [model, convs] of Object.entries({ densenet121: 120, googlenet: 57 }))
    it(`${model}: every convolution has a group of its own`, () => {
      const { list } = free(model, { classes: 1000 });
      assert.equal(list.length, convs);
      for (const group of list) assert.equal(producers(group).length, 1);
    });

  it('DenseNet: a layer is read by all later ones of its block and by the transition, by no other', () => {
    const { list } = free('densenet121', { classes: 1000 });
    const readers = find(list, 'features.denseblock1.denselayer4.conv2').members.filter(({ role }) => role === 'in');
    assert.deepEqual(
      readers.map(({ parameter }) => parameter.replace('features.', '').replace('.kernel', '')),
      ['denseblock1.denselayer5.conv1', 'denseblock1.denselayer6.conv1', 'transition1.conv'],
    );
  });

  it('MobileNetV2: expansions and streams; a depthwise convolution belongs to what it reads', () => {
    const { graph, list } = free('mobilenetv2', { classes: 1000 });
    const nodes = (of: (attributes: Readonly<Record<string, unknown>>, op: string) => boolean) =>
      graph.nodes.filter(({ attributes, op }) => of(attributes, op)).length;
    const depthwise = nodes(({ groups = 1 }) => groups !== 1);
    const adds = nodes((_attributes, op) => op === 'add');
    assert.deepEqual([depthwise, adds, list.length], [17, 10, 52 - 17 - 10]);
    assert.deepEqual(
      producers(find(list, 'features.4.conv.2')),
      [4, 5, 6].map(i => `features.${i}.conv.2`),
    );
    assert.deepEqual(producers(find(list, 'features.4.conv.0.0')), ['features.4.conv.0.0', 'features.4.conv.1.0']);
  });

  it('ResNeXt: place i of all 32 groups is one unit; streams are as in ResNet', () => {
    const { list } = free('resnext50', { classes: 1000 });
    assert.equal(list.length, 1 + 16 * 2 + 4);
    assert.deepEqual(
      ['layer1.0.conv1', 'layer1.0.conv2', 'layer4.2.conv2', 'layer1.0.conv3'].map(id => find(list, id).units),
      [4, 4, 32, 256],
    );
    assert.deepEqual(producers(find(list, 'layer1.0.conv3')), [
      'layer1.0.conv3',
      'layer1.0.downsample.0',
      'layer1.1.conv3',
      'layer1.2.conv3',
    ]);
  });
});
