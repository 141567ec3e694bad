import { defineExperiment, type Experiment } from '../../kernel/bench/experiment.ts';
import { protocols } from '../../kernel/bench/protocols.ts';
import { forConvolutions } from './methods.ts';
import { laptopProtocol, smoke } from './profiles.ts';

const speedups = [2, 4, 8];

/** The network, its small cousin's width, and the one for tests. */
const networks = [
  ['resnet18', 'ResNet-18', 0.25, 0.0625],
  ['resnet50', 'ResNet-50', 0.125, 0.0625],
  ['vgg19', 'VGG-19', 0.25, 0.0625],
] as const;

const strategies = [
  ['protected-global', ''],
  ['local', '-local'],
  ['global', '-global'],
] as const;

/** Three networks on CIFAR-100 under three strategies; the cousins on a laptop learn CIFAR-10. */
export const cifar100: readonly Experiment[] = strategies.flatMap(([strategy, suffix]) =>
  networks.map(([model, name, narrow, least]) => {
    const plan = { model, strategies: [strategy], methods: forConvolutions, speedups };
    return defineExperiment({
      id: `${model}-cifar100${suffix}`,
      title: `${name} on CIFAR-100, ${strategy}, 2x, 4x and 8x`,
      published: { model, dataset: 'cifar100' },
      profiles: {
        smoke: { ...smoke(model, { width: least }, [2, 3]), strategies: [strategy] },
        laptop: { ...plan, modelOptions: { width: narrow }, dataset: 'cifar10', protocol: laptopProtocol },
        paper: { ...plan, dataset: 'cifar100', protocol: protocols.paper },
      },
    });
  }),
);
