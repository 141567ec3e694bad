import { Builder, normal, zeros } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, isSmall, scaled, type ImageModelOptions } from './options.ts';

const stages = [
  [64, 2],
  [128, 2],
  [256, 4],
  [512, 4],
  [512, 4],
] as const;

/** In CIFAR form one dense layer follows; in ImageNet form the three of the paper, after pooling to 7 x 7. */
export const vgg19 = defineModel<ImageModelOptions>({
  id: 'vgg19',
  title: 'VGG-19 with batch norm',
  paper: 'Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition',
  task: 'classification',
  options: imageModelOptions,
  build(options) {
    const b = new Builder('vgg19', options.seed);
    let x = b.input('image', imageShape(options));
    // Names are torchvision's: positions in its sequences, where dropout has one too.
    let position = 0;
    const next = () => `features.${position++}`;
    for (const [channels, depth] of stages) {
      for (let i = 0; i < depth; i++) {
        x = b.conv(next(), x, { filters: scaled(channels, options), kernel: 3, padding: 1, bias: true });
        x = b.batchNorm(next(), x);
        x = b.relu(next(), x);
      }
      x = b.maxPool(next(), x, { kernel: 2 });
    }
    const initial = { kernelInitializer: normal(0.01), biasInitializer: zeros };
    x = b.flatten('flatten', x);
    if (!isSmall(options)) {
      x = b.relu('classifier.1', b.dense('classifier.0', x, { units: scaled(4096, options), ...initial }));
      x = b.relu('classifier.4', b.dense('classifier.3', x, { units: scaled(4096, options), ...initial }));
    }
    return b.build(b.dense('classifier.6', x, { units: options.classes, ...initial }));
  },
});
