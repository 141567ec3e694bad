import { Builder, normal } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, isSmall, scaled, type ImageModelOptions } from './options.ts';

/** Channels of the 1 x 1 branch, of the two 3 x 3 branches (before and after) and behind the pool. */
type Inception = readonly [
  one: number,
  reduce2: number,
  branch2: number,
  reduce3: number,
  branch3: number,
  pool: number,
];

const stages: Readonly<Record<string, Inception>>[] = [
  { '3a': [64, 96, 128, 16, 32, 32], '3b': [128, 128, 192, 32, 96, 64] },
  {
    '4a': [192, 96, 208, 16, 48, 64],
    '4b': [160, 112, 224, 24, 64, 64],
    '4c': [128, 128, 256, 24, 64, 64],
    '4d': [112, 144, 288, 32, 64, 64],
    '4e': [256, 160, 320, 32, 128, 128],
  },
  { '5a': [256, 160, 320, 32, 128, 128], '5b': [384, 192, 384, 48, 128, 128] },
];

/** As in torchvision: batch norms, no auxiliary classifiers, 3 x 3 where the paper has 5 x 5, no dropout. */
export const googlenet = defineModel<ImageModelOptions>({
  id: 'googlenet',
  title: 'GoogLeNet',
  paper: 'Szegedy et al. 2015, Going Deeper with Convolutions',
  task: 'classification',
  options: imageModelOptions,
  build(options) {
    const b = new Builder('googlenet', options.seed);
    const small = isSmall(options);
    const initial = { kernelInitializer: normal(0.01) };
    const unit = (id: string, x: string, channels: number, kernel: number, stride = 1): string => {
      const filters = scaled(channels, options);
      const y = b.conv(`${id}.conv`, x, { filters, kernel, stride, padding: kernel >> 1, ...initial });
      return b.relu(`${id}.relu`, b.batchNorm(`${id}.bn`, y, { epsilon: 1e-3 }));
    };
    const inception = (id: string, x: string, [one, reduce2, two, reduce3, three, pool]: Inception): string => {
      const pooled = b.maxPool(`${id}.branch4.0`, x, { kernel: 3, stride: 1, padding: 1 });
      return b.concat(`${id}.concat`, [
        unit(`${id}.branch1`, x, one, 1),
        unit(`${id}.branch2.1`, unit(`${id}.branch2.0`, x, reduce2, 1), two, 3),
        unit(`${id}.branch3.1`, unit(`${id}.branch3.0`, x, reduce3, 1), three, 3),
        unit(`${id}.branch4.1`, pooled, pool, 1),
      ]);
    };
    const halved = (id: string, x: string, kernel = 3) => b.maxPool(id, x, { kernel, stride: 2, ceil: true });

    const image = b.input('image', imageShape(options));
    // The CIFAR form does not shrink the image in its stem.
    let x = small ? unit('conv1', image, 64, 3) : halved('maxpool1', unit('conv1', image, 64, 7, 2));
    x = unit('conv3', unit('conv2', x, 64, 1), 192, 3);
    if (!small) x = halved('maxpool2', x);
    stages.forEach((stage, i) => {
      for (const [name, channels] of Object.entries(stage)) x = inception(`inception${name}`, x, channels);
      if (i < 2) x = halved(`maxpool${i + 3}`, x, i === 0 ? 3 : 2);
    });
    x = b.globalAveragePool('avgpool', x);
    return b.build(b.dense('fc', x, { units: options.classes, ...initial }));
  },
});
