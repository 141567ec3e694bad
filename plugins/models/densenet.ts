import { Builder, kaimingFanIn, zeros } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, isSmall, scaled, type ImageModelOptions } from './options.ts';

const depths = [6, 12, 24, 16];

function conv(b: Builder, id: string, x: string, filters: number, kernel: number, stride = 1): string {
  return b.conv(id, x, { filters, kernel, stride, padding: kernel >> 1, kernelInitializer: kaimingFanIn });
}

/** Norm and ReLU before a layer, as in `norm1` and `relu1`. */
const active = (b: Builder, id: string, n: number | '', x: string): string =>
  b.relu(`${id}.relu${n}`, b.batchNorm(`${id}.norm${n}`, x));

/** A layer reads all layers before it in its block, each of which adds `growth` channels. */
function denseLayer(b: Builder, id: string, features: readonly string[], growth: number): string {
  const x = features.length === 1 ? features[0]! : b.concat(`${id}.concat`, features);
  const y = conv(b, `${id}.conv1`, active(b, id, 1, x), 4 * growth, 1);
  return conv(b, `${id}.conv2`, active(b, id, 2, y), growth, 3);
}

/** As in torchvision; the CIFAR form has a plain 3 x 3 stem. */
export const densenet121 = defineModel<ImageModelOptions>({
  id: 'densenet121',
  title: 'DenseNet-121',
  paper: 'Huang et al. 2017, Densely Connected Convolutional Networks',
  task: 'classification',
  options: imageModelOptions,
  build(options) {
    const b = new Builder('densenet121', options.seed);
    const small = isSmall(options);
    const growth = scaled(32, options);
    const image = b.input('image', imageShape(options));
    let x = small
      ? conv(b, 'features.conv0', image, scaled(64, options), 3)
      : conv(b, 'features.conv0', image, scaled(64, options), 7, 2);
    x = active(b, 'features', 0, x);
    if (!small) x = b.maxPool('features.pool0', x, { kernel: 3, stride: 2, padding: 1 });
    depths.forEach((depth, block) => {
      const id = `features.denseblock${block + 1}`;
      const features = [x];
      for (let i = 1; i <= depth; i++) features.push(denseLayer(b, `${id}.denselayer${i}`, features, growth));
      x = b.concat(`${id}.concat`, features);
      if (block === depths.length - 1) return;
      const transition = `features.transition${block + 1}`;
      x = active(b, transition, '', x);
      x = conv(b, `${transition}.conv`, x, Math.max(1, b.channels(x) >> 1), 1);
      x = b.averagePool(`${transition}.pool`, x, { kernel: 2 });
    });
    x = b.globalAveragePool('avgpool', active(b, 'features', 5, x));
    return b.build(b.dense('classifier', x, { units: options.classes, biasInitializer: zeros }));
  },
});
