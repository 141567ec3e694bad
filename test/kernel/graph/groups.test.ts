import assert from 'node:assert/strict';
import { Builder } from '../../../kernel/graph/builder.ts';
import { groups, type Group } from '../../../kernel/graph/groups.ts';
import { resnet18, vgg19 } from '../../../plugins/models/index.ts';
import { parseOptions } from '../../../kernel/options.ts';

const places = (group: Group) => group.members.map(m => `${m.parameter}@${m.axis}:${m.role}`);
const find = (list: readonly Group[], id: string) => list.find(group => group.id === id)!;
const image = (b: Builder) => b.input('image', [8, 8, 3]);
const free = (list: readonly Group[]) =>
  list.filter(group => !group.protected).map(group => `${group.id} ${group.units}`);

describe('groups', () => {
  it('a residual block: the stream is one group, what lies inside the block another', () => {
    const list = groups(resnet18.build(parseOptions(resnet18, { width: 0.25, classes: 5 })));
    assert.deepEqual(free(list).slice(0, 4), [
      'conv1 16',
      'layer1.0.conv1 16',
      'layer1.1.conv1 16',
      'layer2.0.conv1 32',
    ]);
    assert.deepEqual(places(find(list, 'layer1.0.conv1')), [
      'layer1.0.conv1.kernel@3:out',
      'layer1.0.bn1.scale@0:scale',
      'layer1.0.bn1.offset@0:offset',
      'layer1.0.bn1.mean@0:statistic',
      'layer1.0.bn1.variance@0:statistic',
      'layer1.0.conv2.kernel@2:in',
    ]);
    const stream = places(find(list, 'conv1')).filter(place => /:(out|in)$/.test(place));
    assert.deepEqual(stream, [
      'conv1.kernel@3:out',
      'layer1.0.conv1.kernel@2:in',
      'layer1.0.conv2.kernel@3:out',
      'layer1.1.conv1.kernel@2:in',
      'layer1.1.conv2.kernel@3:out',
      'layer2.0.conv1.kernel@2:in',
      'layer2.0.downsample.0.kernel@2:in',
    ]);
  });

  it('a chain: every convolution has a group of its own', () => {
    const list = groups(vgg19.build(parseOptions(vgg19, { width: 0.125 })));
    assert.equal(free(list).length, 16);
    assert.equal(new Set(list.flatMap(places)).size, list.flatMap(places).length);
  });

  it('says why a layer is protected', () => {
    const list = groups(vgg19.build(parseOptions(vgg19, { width: 0.125 })));
    assert.equal(find(list, 'classifier.6').protected, 'output classifier.6 of the network');
    assert.equal(find(list, 'features.0.input').protected, 'input image of the network');
  });

  it('concat keeps its parts apart, each with its own places in the reader', () => {
    const b = new Builder('net');
    const x = image(b);
    const both = b.concat('cat', [
      b.conv('a', x, { filters: 3, kernel: 1 }),
      b.conv('b', x, { filters: 5, kernel: 1 }),
    ]);
    const list = groups(b.build(b.conv('c', both, { filters: 2, kernel: 1 })));
    assert.deepEqual(free(list), ['a 3', 'b 5']);
    const reader = (id: string) => [...find(list, id).members.find(m => m.parameter === 'c.kernel')!.units];
    assert.deepEqual(reader('a'), [0, 1, 2, -1, -1, -1, -1, -1]);
    assert.deepEqual(reader('b'), [-1, -1, -1, 0, 1, 2, 3, 4]);
  });

  it('a split divides the channels of one kernel into groups', () => {
    const b = new Builder('net');
    const x = b.conv('a', image(b), { filters: 6, kernel: 1 });
    const left = b.conv('l', b.slice('first', x, 0, 2), { filters: 2, kernel: 1 });
    const right = b.conv('r', b.slice('rest', x, 2, 4), { filters: 2, kernel: 1 });
    const list = groups(b.build(left, right));
    assert.deepEqual(free(list), ['a 2', 'a:2 4']);
  });

  it('flatten: a channel takes its place in every position with it', () => {
    const b = new Builder('net');
    const x = b.maxPool('p', b.conv('a', image(b), { filters: 3, kernel: 1 }), { kernel: 4 });
    const list = groups(b.build(b.dense('d', b.flatten('f', x), { units: 2 })));
    assert.deepEqual(
      [...find(list, 'a').members.find(m => m.role === 'in')!.units],
      [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2],
    );
  });

  it('a grouped convolution keeps its groups equal: place i of every group is one unit', () => {
    const b = new Builder('net');
    const x = b.conv('a', image(b), { filters: 6, kernel: 1 });
    const y = b.conv('g', x, { filters: 4, kernel: 3, padding: 1, groups: 2 });
    const list = groups(b.build(b.conv('c', y, { filters: 2, kernel: 1 })));
    assert.deepEqual(free(list), ['a 3', 'g 2']);
    assert.deepEqual([...find(list, 'a').members[0]!.units], [0, 1, 2, 0, 1, 2]);
    assert.deepEqual([...find(list, 'g').members[0]!.units], [0, 1, 0, 1]);
  });

  it('a depthwise convolution passes its channels on, also as several each', () => {
    const b = new Builder('net');
    const x = b.conv('a', image(b), { filters: 3, kernel: 1 });
    const y = b.conv('dw', x, { filters: 6, kernel: 3, padding: 1, groups: 3 });
    const list = groups(b.build(b.conv('c', y, { filters: 2, kernel: 1 })));
    assert.deepEqual(free(list), ['a 3']);
    assert.deepEqual([...find(list, 'a').members.find(m => m.parameter === 'dw.kernel')!.units], [0, 0, 1, 1, 2, 2]);
  });

  it('squeeze-excite: the gate belongs to the channels it multiplies, the bottleneck does not', () => {
    const b = new Builder('net');
    const x = b.conv('a', image(b), { filters: 4, kernel: 1 });
    const squeezed = b.relu('r', b.dense('s', b.globalAveragePool('p', x), { units: 2 }));
    const gate = b.activation('sigmoid', 'g', b.dense('e', squeezed, { units: 4 }));
    const list = groups(b.build(b.conv('c', b.multiply('m', x, gate), { filters: 2, kernel: 1 })));
    assert.deepEqual(free(list), ['a 4', 's 2']);
    assert.ok(places(find(list, 'a')).includes('e.kernel@1:out'));
  });
});
