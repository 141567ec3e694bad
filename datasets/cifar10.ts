import { defineDataset } from '../kernel/plugin.ts';
import { cifarOptions, cifarStandIn, loadCifar, type CifarLayout, type CifarOptions } from './cifar.ts';

const layout: CifarLayout = {
  id: 'cifar10',
  labels: [{ name: 'label', classes: 10 }],
  train: /^data_batch_\d+\.bin$/,
  test: /^test_batch\.bin$/,
  files: 'data_batch_1.bin (and further ones) and test_batch.bin',
  names: 'batches.meta.txt',
  folders: ['cifar10', 'cifar-10-batches-bin'],
  mean: [0.4914, 0.4822, 0.4465],
  deviation: [0.247, 0.2435, 0.2616],
};

export const cifar10 = defineDataset<CifarOptions>({
  id: 'cifar10',
  title: 'CIFAR-10',
  paper: 'Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images',
  task: 'classification',
  folders: layout.folders,
  options: cifarOptions,
  load: options => loadCifar(layout, options),
  standIn: options => cifarStandIn(layout, options),
});
