import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { Builder } from '../../../kernel/graph/builder.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import type { Group } from '../../../kernel/graph/groups.ts';
import { Network } from '../../../kernel/graph/run.ts';
import type { Regularizer, Sparsity } from '../../../kernel/plugin.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { sparsityOf } from '../../../kernel/prune/sparsity.ts';
import { bnScale } from '../../../plugins/criteria/index.ts';
import * as regularizers from '../../../plugins/regularizers/index.ts';
import { scrambled } from '../../kernel/graph/oracle.ts';

/** Groups behind a flatten, of a grouped convolution, and two that share a kernel's input axis. */
function mixed(): Graph {
  const b = new Builder('mixed');
  const x = b.input('image', [4, 4, 3]);
  const left = b.batchNorm('bn', b.conv('left', x, { filters: 4, kernel: 3, padding: 1 }));
  const right = b.conv('right', x, { filters: 3, kernel: 1 });
  const y = b.conv('joined', b.concat('concat', [left, right]), { filters: 4, kernel: 1 });
  const z = b.relu('relu', b.conv('grouped', y, { filters: 4, kernel: 3, groups: 2 }));
  return scrambled(b.build(b.dense('head', b.flatten('flatten', z), { units: 3 })));
}

const moment = { epoch: 0, epochs: 3, step: 1, steps: 12 };
type Values = ReadonlyMap<string, ArrayLike<number>>;

/** Terms that a regularizer adds to the gradients of a graph, by parameter. */
function termsOf(regularizer: Regularizer, sparsity: Sparsity, moments = [moment]): Map<string, Float32Array> {
  const network = new Network(sparsity.graph);
  const penalty = regularizer.start(sparsity, parseOptions(regularizer));
  let terms = new Map<string, Float32Array>();
  for (const at of moments)
    tf.tidy(() => {
      const found = Object.entries(penalty.gradients(network.variables, at));
      terms = new Map(found.map(([name, term]) => [name, term.dataSync<'float32'>()]));
    });
  for (const slot of penalty.slots?.values() ?? []) slot.dispose();
  network.dispose();
  return terms;
}

/** By unit of a group: all its weights, with what each is multiplied by in the terms. */
function unitsOf(graph: Graph, { members, units }: Group): { parameter: string; index: number }[][] {
  const lists = Array.from({ length: units }, (): { parameter: string; index: number }[] => []);
  for (const { parameter, axis, units: unitOf } of members) {
    const { shape, size } = graph.parameters.get(parameter)!;
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (let index = 0; index < size; index++)
      lists[unitOf[Math.floor(index / inner) % shape[axis]!]!]?.push({ parameter, index });
  }
  return lists;
}
const valuesOf = (graph: Graph): Values => new Map([...graph.parameters].map(([name, { values }]) => [name, values]));
const squaresOf = (graph: Graph, group: Group, values = valuesOf(graph)) =>
  unitsOf(graph, group).map(unit =>
    unit.reduce((sum, { parameter, index }) => sum + values.get(parameter)![index]! ** 2, 0),
  );

/** Asserts that the terms are, for each weight, the weight times the sum of the factors of the units it is in. */
function assertFactors(sparsity: Sparsity, terms: Values, factors: readonly (readonly number[])[]): void {
  const { graph, groups } = sparsity;
  const expected = new Map([...terms.keys()].map(name => [name, new Float64Array(terms.get(name)!.length)]));
  groups.forEach((group, g) =>
    unitsOf(graph, group).forEach((unit, u) => {
      for (const { parameter, index } of unit)
        expected.get(parameter)![index]! += factors[g]![u]! * graph.parameters.get(parameter)!.values[index]!;
    }),
  );
  for (const [name, values] of expected)
    values.forEach((value, i) =>
      assert.ok(Math.abs(terms.get(name)![i]! - value) <= 1e-5 * Math.abs(value) + 1e-10, `${name}[${i}]`),
    );
  assert.deepEqual(new Set(terms.keys()), new Set(groups.flatMap(({ members }) => members.map(m => m.parameter))));
}

describe('regularizers, against their penalties', () => {
  const graph = mixed();
  const sparsity = sparsityOf(graph);

  /** Asserts that terms are the gradient of a penalty, by finite differences at some weights. */
  function assertGradient(terms: Values, penalty: (values: Values) => number): void {
    for (const [name, term] of terms)
      for (const index of [0, 1, term.length - 1]) {
        const at = (change: number) => {
          const values = new Map(valuesOf(graph));
          const moved = Float64Array.from(values.get(name)!);
          moved[index]! += change;
          return penalty(values.set(name, moved));
        };
        const difference = (at(1e-4) - at(-1e-4)) / 2e-4;
        assert.ok(Math.abs(difference - term[index]!) <= 1e-4 * Math.abs(difference) + 1e-9, `${name}[${index}]`);
      }
  }

  it('bn-scale: the sum of absolute scales', () => {
    const penalty = (values: Values) => 1e-5 * Array.from(values.get('bn.scale')!, Math.abs).reduce((a, b) => a + b, 0);
    assertGradient(termsOf(regularizers.bnScale as Regularizer, sparsity), penalty);
  });

  it('group-lasso: the sum over units of the root of their number of weights times their norm', () => {
    const penalty = (values: Values) =>
      sparsity.groups.reduce((sum, group) => {
        const counts = unitsOf(graph, group).map(unit => unit.length);
        const norms = squaresOf(graph, group, values).map((square, u) => Math.sqrt(counts[u]! * square));
        return sum + 1e-4 * norms.reduce((a, b) => a + b, 0);
      }, 0);
    assertGradient(termsOf(regularizers.groupLasso as Regularizer, sparsity), penalty);
  });

  it('group-lasso for the criterion bn-scale: over scales of batch norms alone', () => {
    const scales = sparsityOf(graph, bnScale);
    assert.deepEqual(
      scales.groups.map(({ id }) => id),
      ['left'],
    );
    const terms = termsOf(regularizers.groupLasso as Regularizer, scales);
    assert.deepEqual([...terms.keys()], ['bn.scale']);
    terms.get('bn.scale')!.forEach(term => assert.ok(Math.abs(term - 1e-5) < 1e-10));
  });

  it('group-norm: decay from 1 for the strongest unit to 16 for the weakest, by norms', () => {
    const factors = sparsity.groups.map(group => {
      const norms = squaresOf(graph, group).map(Math.sqrt);
      const [least, most] = [Math.min(...norms), Math.max(...norms)];
      return norms.map(norm => 1e-4 * (most === least ? 1 : 2 ** ((4 * (most - norm)) / (most - least))));
    });
    assertFactors(sparsity, termsOf(regularizers.groupNorm as Regularizer, sparsity), factors);
    assert.ok(factors.some(list => Math.max(...list) > 15.9e-4));
  });

  it('growing-reg: a factor per unit that grows once an epoch, most for the weakest', () => {
    const epochs = (n: number) =>
      Array.from({ length: 4 * n }, (_, step) => ({ epoch: Math.floor(step / 4), epochs: 3, step, steps: 12 }));
    for (const n of [1, 3]) {
      const factors = sparsity.groups.map(group => {
        const squares = squaresOf(graph, group);
        const [least, most] = [Math.min(...squares), Math.max(...squares)];
        return squares.map(square => 1e-4 + (n - 1) * 1e-5 * ((most - square) / (most - least + 1e-8)));
      });
      assertFactors(sparsity, termsOf(regularizers.growingReg as Regularizer, sparsity, epochs(n)), factors);
    }
  });
});
