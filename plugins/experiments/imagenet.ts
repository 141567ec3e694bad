import { defineExperiment, type Experiment } from '../../kernel/bench/experiment.ts';
import { protocols } from '../../kernel/bench/protocols.ts';
import { forConvolutions, forTransformers } from './methods.ts';
import { smoke } from './profiles.ts';

const speedups = [2, 3, 4];

const residual = (model: string, name: string, narrow: number, about: string): Experiment => {
  const plan = { model, methods: forConvolutions, speedups };
  return defineExperiment({
    id: `${model}-imagenet`,
    title: `${name} on ImageNet, protected-global, 2x, 3x and 4x`,
    about,
    published: { model, dataset: 'imagenet' },
    profiles: {
      smoke: smoke(model, { width: 0.0625 }, [2, 3]),
      laptop: { ...plan, modelOptions: { width: narrow }, dataset: 'shapes', protocol: protocols.laptop },
      paper: { ...plan, dataset: 'imagenet', protocol: protocols['paper-imagenet'] },
    },
  });
};

const plan = { methods: forTransformers, speedups };
const vitSmall = defineExperiment({
  id: 'vit-small-imagenet',
  title: 'ViT-S/16 on ImageNet, protected-global, 2x, 3x and 4x',
  about:
    'A transformer has three kinds of groups: the width of the embedding, which every block reads and writes, the width of each ' +
    'MLP, and the dimensions of the heads. It has no batch norms and no feature maps, so that criteria on either have no row; of OBD-C none was published. ' +
    'The paper does not say which weights of timm it began with; its base model scores 78.59 %. ' +
    'The paper asks whether what is known of convolutional networks holds here.',
  published: { model: 'vit-small', dataset: 'imagenet' },
  profiles: {
    smoke: smoke('vit-tiny', { width: 0.125, depth: 2, patch: 8 }, [2, 3]),
    laptop: {
      ...plan,
      model: 'vit-tiny',
      modelOptions: { width: 0.5, depth: 6 },
      dataset: 'shapes',
      protocol: protocols['quick-vit'],
    },
    paper: { ...plan, model: 'vit-small', dataset: 'imagenet', protocol: protocols['paper-imagenet-vit'] },
  },
});

/** Three networks on ImageNet, from weights of other programs; the cousins on a laptop learn drawn shapes. */
export const imagenet: readonly Experiment[] = [
  residual(
    'resnet18',
    'ResNet-18',
    0.25,
    'The same network as on CIFAR-100, but for its stem, on images of 224 pixels and a thousand classes. It is small for its ' +
      'task, so that there is less to remove without loss: the paper stops at 4x.',
  ),
  residual(
    'resnet50',
    'ResNet-50',
    0.125,
    'The network that most papers on pruning report. Its weights come from the zoo of PyTorch (`IMAGENET1K_V1` has the ' +
      'base score of the paper), and every method begins with the same ones.',
  ),
  vitSmall,
];
