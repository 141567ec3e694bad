/*
 * What one estimate of each criterion that needs data costs, against a pass of plain gradients over the same batches:
 * ResNet-18 at a quarter of its width on `shapes`, 4 batches of 64. Rounds of all of them in turn, the first of which
 * does not count. Run: npm run bench:criteria [-- rounds=5]
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs';
import { table } from '../../kernel/text/table.ts';
import type { Calibration } from '../../kernel/plugin.ts';
import { calibrated } from '../../kernel/prune/calibration.ts';
import { random } from '../../kernel/random.ts';
import { lossGradients } from '../../kernel/train/step.ts';
import * as pb from '../../plugins/index.ts';

const rounds = Number(process.argv.find(a => a.startsWith('rounds='))?.slice(7) ?? 5);
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** Sums of the gradients, read at the end. */
async function plainGradients({ network, task, batches }: Calibration): Promise<void> {
  let sums: tf.NamedTensorMap = {};
  for await (const batch of batches()) {
    const before = sums;
    sums = tf.tidy(() => {
      const x = network.input(batch);
      const { gradients } = lossGradients(network, () => task.loss(network.apply(x), batch.targets));
      for (const [name, sum] of Object.entries(before)) gradients[name] = tf.add(gradients[name]!, sum);
      return gradients;
    });
    tf.dispose(before);
  }
  for (const sum of Object.values(sums)) await sum.data();
  tf.dispose(sums);
}

const backend = await pb.useBackend();
const data = await pb.load('shapes');
const task = pb.find('task', pb.catalogue.tasks, data.task);
const graph = pb.build('resnet18', { ...pb.modelOptionsOf(data), width: 0.25 });
const works: Record<string, (calibration: Calibration) => Promise<unknown>> = { 'plain gradients': plainGradients };
for (const criterion of pb.catalogue.criteria) {
  const { estimate } = criterion;
  if (estimate) works[criterion.id] = calibration => estimate(calibration, pb.parseOptions(criterion));
}

const seconds = new Map<string, number[]>(Object.keys(works).map(name => [name, []]));
const subject = { graph, groups: pb.groups(graph).filter(group => !group.protected) };
const images = { split: data.train, task, batches: 4, batch: 64 };
for (let round = 0; round <= rounds; round++)
  for (const [name, work] of Object.entries(works)) {
    await calibrated({ ...subject, random: random(round, name) }, images, { seed: 0 }, async calibration => {
      const started = performance.now();
      await work(calibration);
      if (round > 0) seconds.get(name)!.push((performance.now() - started) / 1000);
    });
  }
const plain = seconds.get('plain gradients')!;
console.log(
  `${graph.name} x0.25 on ${data.id}, ${images.batches} batches of ${images.batch}, backend ${backend.id}; ` +
    `${cpus().length} x ${cpus()[0]!.model.trim()}, node ${process.versions.node}; medians of ${rounds}`,
);
console.log(
  table(
    ['criterion', 'seconds of an estimate', 'gradient passes'],
    [...seconds].map(([name, own]) => [
      name,
      median(own).toFixed(2),
      median(own.map((value, round) => value / plain[round]!)).toFixed(1),
    ]),
  ),
);
