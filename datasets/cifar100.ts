import { defineDataset } from '../kernel/plugin.ts';
import { cifarOptions, cifarStandIn, loadCifar, type CifarLayout, type CifarOptions } from './cifar.ts';

const layout: CifarLayout = {
  id: 'cifar100',
  labels: [
    { name: 'coarse label', classes: 20 },
    { name: 'fine label', classes: 100 },
  ],
  train: /^train\.bin$/,
  test: /^test\.bin$/,
  files: 'train.bin and test.bin',
  names: 'fine_label_names.txt',
  folders: ['cifar100', 'cifar-100-binary'],
  mean: [0.5071, 0.4865, 0.4409],
  deviation: [0.2673, 0.2564, 0.2762],
};

export const cifar100 = defineDataset<CifarOptions>({
  id: 'cifar100',
  title: 'CIFAR-100',
  paper: 'Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images',
  task: 'classification',
  folders: layout.folders,
  options: cifarOptions,
  load: options => loadCifar(layout, options),
  standIn: options => cifarStandIn(layout, options),
});
