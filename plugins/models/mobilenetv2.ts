import { Builder, normal, zeros } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, isSmall, scaled, type ImageModelOptions } from './options.ts';

/** Expansion, channels, blocks and first stride of each stage. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Convolution, norm and ReLU6, numbered as in torchvision's sequence. */
function unit(b: Builder, id: string, x: string, filters: number, kernel: number, stride = 1, groups = 1): string {
  const y = b.conv(`${id}.0`, x, { filters, kernel, stride, padding: kernel >> 1, groups });
  return b.activation('relu6', `${id}.2`, b.batchNorm(`${id}.1`, y));
}

/** Expands, convolves each channel by itself and projects; without expansion the first convolution is left out. */
function inverted(b: Builder, id: string, x: string, filters: number, expansion: number, stride: number): string {
  const first = expansion === 1 ? 0 : 1;
  const hidden = b.channels(x) * expansion;
  let y = first === 0 ? x : unit(b, `${id}.conv.0`, x, hidden, 1);
  y = unit(b, `${id}.conv.${first}`, y, hidden, 3, stride, hidden);
  y = b.conv(`${id}.conv.${first + 1}`, y, { filters, kernel: 1 });
  y = b.batchNorm(`${id}.conv.${first + 2}`, y);
  return stride === 1 && filters === b.channels(x) ? b.add(`${id}.add`, x, y) : y;
}

/** As in torchvision, without dropout; in CIFAR form the stem and the second stage keep the size of the image. */
export const mobilenetv2 = defineModel<ImageModelOptions>({
  id: 'mobilenetv2',
  title: 'MobileNetV2',
  paper: 'Sandler et al. 2018, MobileNetV2: Inverted Residuals and Linear Bottlenecks',
  task: 'classification',
  options: imageModelOptions,
  build(options) {
    const b = new Builder('mobilenetv2', options.seed);
    const small = isSmall(options);
    let x = unit(b, 'features.0', b.input('image', imageShape(options)), scaled(32, options), 3, small ? 1 : 2);
    let place = 1;
    stages.forEach(([expansion, channels, blocks, stride], stage) => {
      for (let i = 0; i < blocks; i++) {
        const step = i > 0 || (small && stage === 1) ? 1 : stride;
        x = inverted(b, `features.${place++}`, x, scaled(channels, options), expansion, step);
      }
    });
    x = b.globalAveragePool('avgpool', unit(b, `features.${place}`, x, scaled(1280, options), 1));
    const initial = { kernelInitializer: normal(0.01), biasInitializer: zeros };
    return b.build(b.dense('classifier.1', x, { units: options.classes, ...initial }));
  },
});
