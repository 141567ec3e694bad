import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { scrambled } from '../../../kernel/contract/small-graphs.ts';
import { cut } from '../../../kernel/graph/cut.ts';
import { analyze } from '../../../kernel/graph/groups.ts';
import { shapesOf, view, withParameters, type Graph } from '../../../kernel/graph/graph.ts';
import { ops } from '../../../kernel/graph/ops/index.ts';
import { Parameter } from '../../../kernel/graph/parameter.ts';
import { Network } from '../../../kernel/graph/run.ts';
import { random, type Random } from '../../../kernel/random.ts';

export { scrambled };

/** Random units to keep of every group that is not protected, at least one. */
export function randomKept(graph: Graph, source: Random, share = 0.5): Map<string, boolean[]> {
  const kept = new Map<string, boolean[]>();
  for (const group of analyze(graph).groups) {
    if (group.protected) continue;
    const mask = Array.from({ length: group.units }, () => source.uniform() < share);
    mask[source.integer(group.units)] = true;
    kept.set(group.id, mask);
  }
  return kept;
}

/** The network with the producers of the units that do not stay set to zero. */
export function zeroed(graph: Graph, kept: ReadonlyMap<string, readonly boolean[]>): Graph {
  const values = new Map<string, Float32Array>();
  for (const group of analyze(graph).groups) {
    const mask = kept.get(group.id);
    if (!mask) continue;
    for (const { parameter, axis, role, units } of group.members) {
      if (role === 'in' || role === 'statistic') continue;
      const { shape, values: old } = graph.parameters.get(parameter)!;
      const data = values.get(parameter) ?? old.slice();
      values.set(parameter, data);
      const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      for (let i = 0; i < data.length; i++) {
        const unit = units[Math.floor(i / inner) % shape[axis]!]!;
        if (unit >= 0 && !mask[unit]) data[i] = 0;
      }
    }
  }
  return withParameters(
    graph,
    [...values].map(([name, data]) => {
      const { shape, trainable } = graph.parameters.get(name)!;
      return [name, new Parameter(shape, data, trainable)] as const;
    }),
  );
}

/** Outputs of the zeroed network, whose layer norms take their statistics over the channels that stay. */
export function runZeroed(graph: Graph, kept: ReadonlyMap<string, readonly boolean[]>, x: tf.Tensor): tf.Tensor[] {
  const { groups, channels } = analyze(graph);
  const zero = zeroed(graph, kept);
  const shapes = shapesOf(zero);
  const tensor = (name: string) => {
    const { values, shape } = zero.parameters.get(name)!;
    return tf.tensor(values, [...shape]);
  };
  const computed = new Map<string, tf.Tensor>([[Object.keys(graph.inputs)[0]!, x]]);
  for (const node of zero.nodes) {
    const inputs = node.inputs.map(id => computed.get(id)!);
    const parameters = Object.fromEntries(Object.entries(node.parameters).map(([role, name]) => [role, tensor(name)]));
    const seen = view(zero, node, shapes);
    if (node.op === 'layer-norm') {
      const { group, unit } = channels.get(node.inputs[0]!)!;
      const mask = tf.tensor1d(
        Array.from(group, (g, i) => (g < 0 || kept.get(groups[g]!.id)?.[unit[i]!] !== false ? 1 : 0)),
      );
      const count = tf.sum(mask);
      const mean = tf.div(tf.sum(inputs[0]!, -1, true), count);
      const centred = tf.mul(tf.sub(inputs[0]!, mean), mask);
      const variance = tf.div(tf.sum(tf.square(centred), -1, true), count);
      const { epsilon } = node.attributes as { epsilon: number };
      const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
      computed.set(node.id, tf.add(tf.mul(normal, parameters.scale!), parameters.offset!));
    } else computed.set(node.id, ops[node.op].forward(seen, inputs, parameters, { training: false }));
  }
  return graph.outputs.map(id => computed.get(id)!);
}

/** Asserts METHODS section 1: the zeroed network computes what the cut network computes. */
export function assertZeroedEqualsCut(
  graph: Graph,
  kept: ReadonlyMap<string, readonly boolean[]>,
  seed = 3,
  batch = 2,
): Graph {
  const small = cut(graph, kept);
  const source = random(seed, 'input');
  tf.tidy(() => {
    const [shape] = Object.values(graph.inputs) as [number[]];
    const size = batch * shape.reduce((a, b) => a * b, 1);
    const x = tf.tensor(
      Float32Array.from({ length: size }, () => source.normal()),
      [batch, ...shape],
    );
    const expected = runZeroed(graph, kept, x);
    const network = new Network(small);
    const actual = network.apply(x);
    actual.forEach((y, i) => {
      const difference = tf.norm(tf.sub(y, expected[i]!)).dataSync()[0]!;
      const size = tf.norm(expected[i]!).dataSync()[0]!;
      assert.ok(Number.isFinite(size) && size > 0, `output ${graph.outputs[i]} of norm ${size} shows nothing`);
      assert.ok(difference <= 1e-5 * size, `output ${graph.outputs[i]}: relative difference ${difference / size}`);
    });
    network.dispose();
  });
  return small;
}
