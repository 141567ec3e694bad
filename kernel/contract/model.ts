import { check } from '../graph/check.ts';
import { count } from '../graph/count.ts';
import { cut } from '../graph/cut.ts';
import { decode, encode } from '../graph/file.ts';
import type { Graph } from '../graph/graph.ts';
import { groups } from '../graph/groups.ts';
import { Network } from '../graph/run.ts';
import type { Model } from '../plugin.ts';
import { parseOptions } from '../options.ts';
import { noise } from './noise.ts';
import { ensure, type Check } from './check.ts';
import * as tf from '@tensorflow/tfjs';

const build = (model: Model): Graph => model.build(parseOptions(model));

/** Outputs for one input of noise. */
async function outputs(graph: Graph): Promise<Float32Array[]> {
  const network = new Network(graph);
  const values: Float32Array[] = [];
  try {
    for await (const batch of noise(graph, 1, 1).batches({ batch: 1 })) {
      const found = tf.tidy(() => network.apply(network.input(batch)));
      for (const output of found) values.push(await output.data<'float32'>());
      tf.dispose(found);
    }
  } finally {
    network.dispose();
  }
  return values;
}

/** What a model must do, with the defaults of its options. */
export const modelChecks: readonly Check<Model>[] = [
  {
    name: 'is for a task there is, and builds a graph that is sound, the same each time',
    run(model, { tasks }) {
      const known = tasks.map(({ id }) => id);
      ensure(known.includes(model.task), () => `there is no task ${model.task}, only ${known.join(', ')}`);
      const [a, b] = [build(model), build(model)];
      check(a);
      for (const [name, { values }] of a.parameters)
        ensure(
          values.every((value, i) => value === b.parameters.get(name)?.values[i]),
          () => `the second time, ${name} has other values`,
        );
    },
  },
  {
    name: 'has groups that can be pruned, and loses half of each',
    run(model) {
      const graph = build(model);
      const free = groups(graph).filter(group => !group.protected && group.units > 1);
      ensure(free.length > 0, () => 'every group is protected');
      const half = new Map(free.map(({ id, units }) => [id, Array.from({ length: units }, (_, unit) => unit % 2)]));
      const [before, after] = [count(graph), count(cut(graph, half))];
      ensure(after.macs < before.macs, () => `${before.macs} multiply-adds before and ${after.macs} after`);
    },
  },
  {
    name: 'gives finite outputs, and the same ones from its file',
    async run(model) {
      const graph = build(model);
      const [own, read] = [await outputs(graph), await outputs(decode(encode(graph)))];
      own.forEach((values, i) => {
        ensure(values.every(Number.isFinite), () => `output ${graph.outputs[i]} is not finite`);
        ensure(
          values.every((value, j) => value === read[i]![j]),
          () => `output ${graph.outputs[i]} differs from the file's`,
        );
      });
    },
  },
];
