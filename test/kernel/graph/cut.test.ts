import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Builder } from '../../../kernel/graph/builder.ts';
import { count } from '../../../kernel/graph/count.ts';
import { cut, keptIndices } from '../../../kernel/graph/cut.ts';
import { groups, restrict } from '../../../kernel/graph/groups.ts';
import { gather } from '../../../kernel/graph/parameter.ts';
import { random } from '../../../kernel/random.ts';
import { build } from '../../../plugins/api.ts';
import { forms } from '../../plugins/models/forms.ts';
import { graphs } from './graphs.ts';
import { assertZeroedEqualsCut, randomKept, scrambled } from './oracle.ts';

describe('cut', () => {
  for (const { name, build } of forms)
    it(`${name}: the zeroed network computes what the cut network computes`, () => {
      const graph = scrambled(build());
      const kept = randomKept(graph, random(5, graph.name), 0.6);
      const small = assertZeroedEqualsCut(graph, kept);
      assert.ok(count(small).macs < count(graph).macs);
    });

  it('random networks: the zeroed network computes what the cut network computes', () => {
    fc.assert(
      fc.property(graphs, fc.nat(1000), (graph, seed) => {
        const full = scrambled(graph, seed);
        assertZeroedEqualsCut(full, randomKept(full, random(seed, 'kept')));
      }),
      { numRuns: 150 },
    );
  });

  it('random networks: the groups of the cut network are the cut groups', () => {
    fc.assert(
      fc.property(graphs, fc.nat(1000), (graph, seed) => {
        // Two units of each group at least: a depthwise convolution of one channel is a plain one.
        const kept = randomKept(graph, random(seed, 'kept'));
        for (const mask of kept.values()) mask.fill(true, 0, 2);
        const plain = (list: ReturnType<typeof groups>) =>
          list.map(({ members, ...group }) => ({
            ...group,
            members: members.map(m => ({ ...m, units: [...m.units] })),
          }));
        assert.deepEqual(plain(groups(cut(graph, kept))), plain(restrict(groups(graph), kept)));
      }),
      { numRuns: 100 },
    );
  });

  it('random networks: which indices stay can be asked for', () => {
    fc.assert(
      fc.property(graphs, fc.nat(1000), (graph, seed) => {
        const full = scrambled(graph, seed);
        const kept = randomKept(full, random(seed, 'kept'));
        for (const [name, { values }] of cut(full, kept).parameters) {
          const indices = keptIndices(full, name, groups(full), kept);
          assert.deepEqual(gather(full.parameters.get(name)!, indices), values, name);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('leaves the given graph as it was', () => {
    const graph = build('resnet18', { width: 0.125 });
    const before = JSON.stringify(graph.nodes) + count(graph).params;
    cut(graph, randomKept(graph, random(1)));
    assert.equal(JSON.stringify(graph.nodes) + count(graph).params, before);
  });

  it('a sigmoid before a convolution protects its channels; a gate is free', () => {
    const b = new Builder('net');
    const x = b.conv('a', b.input('image', [4, 4, 3]), { filters: 4, kernel: 1 });
    const graph = b.build(b.conv('b', b.activation('sigmoid', 's', x), { filters: 2, kernel: 1 }));
    assert.match(
      groups(graph).find(group => group.id === 'a')!.protected!,
      /conv b reads it after an op that does not keep 0/,
    );
  });

  describe('refuses', () => {
    const b = new Builder('net');
    const graph = b.build(
      b.dense('head', b.flatten('f', b.conv('a', b.input('image', [4, 4, 3]), { filters: 4, kernel: 1 })), {
        units: 2,
      }),
    );
    const refused: [string, [string, boolean[]], RegExp][] = [
      ['an unknown group', ['nose', [true]], /no group nose to cut/],
      ['a mask of another size', ['a', [true, false]], /group a has 4 units, got 2/],
      ['the outputs of the network', ['head', [true, false]], /group head is protected: output head of the network/],
      ['an empty group', ['a', [false, false, false, false]], /group a: none of its 4 units would stay/],
    ];
    for (const [what, kept, message] of refused)
      it(what, () => assert.throws(() => cut(graph, new Map([kept])), message));
  });
});
