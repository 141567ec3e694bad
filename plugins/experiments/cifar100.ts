import { defineExperiment, type Experiment } from '../../kernel/bench/experiment.ts';
import { protocols } from '../../kernel/bench/protocols.ts';
import { forConvolutions } from './methods.ts';
import { smoke } from './profiles.ts';

const speedups = [2, 4, 8];

/** The network, its small cousin's width, the one for tests, and what is particular about it. */
const networks = [
  [
    'resnet18',
    'ResNet-18',
    0.25,
    0.0625,
    'Residual additions tie the channels of a whole stage together: each of the four residual streams is one group, read and ' +
      'written by every block, and every block has one inner group of its own. Removing a unit of a stream saves much and ' +
      'touches everything.',
  ],
  [
    'resnet50',
    'ResNet-50',
    0.125,
    0.0625,
    'Bottleneck blocks have two inner groups each beside the residual streams. Most multiply-adds are in the inner 3 x 3 ' +
      'convolutions, so that methods differ in whether they thin the streams or the bottlenecks.',
  ],
  [
    'vgg19',
    'VGG-19',
    0.25,
    0.0625,
    'There are no residual additions: every convolution is a group of its own, and a layer that lost too much has no ' +
      'path around it. At 8x this is where methods fall apart.',
  ],
] as const;

const strategies = [
  [
    'protected-global',
    '',
    'All groups are ranked together, and none may fall below a tenth of its units: the base setting of the paper.',
  ],
  [
    'local',
    '-local',
    'Every group loses the same share of its units, so that a method decides only which units go, never from which layer. ' +
      'What methods differ in here is their ranking within layers alone.',
  ],
  [
    'global',
    '-global',
    'All groups are ranked together and nothing is protected: a method whose scores are not comparable between layers may ' +
      'empty a layer but for a single unit. What it costs to go without the protection shows beside the tables of the other ' +
      'two strategies.',
  ],
] as const;

/** Three networks on CIFAR-100 under three strategies; the cousins on a laptop learn CIFAR-10. */
export const cifar100: readonly Experiment[] = strategies.flatMap(([strategy, suffix, rule]) =>
  networks.map(([model, name, narrow, least, structure]) => {
    const plan = { model, strategies: [strategy], methods: forConvolutions, speedups };
    return defineExperiment({
      id: `${model}-cifar100${suffix}`,
      title: `${name} on CIFAR-100, ${strategy}, 2x, 4x and 8x`,
      about: `${structure} ${rule}`,
      published: { model, dataset: 'cifar100' },
      profiles: {
        smoke: { ...smoke(model, { width: least }, [2, 3]), strategies: [strategy] },
        laptop: { ...plan, modelOptions: { width: narrow }, dataset: 'cifar10', protocol: protocols.laptop },
        paper: { ...plan, dataset: 'cifar100', protocol: protocols.paper },
      },
    });
  }),
);
