import { Builder } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, isSmall, scaled, type ImageModelOptions } from './options.ts';

type Block = (b: Builder, id: string, x: string, channels: number, stride: number) => string;

/** A convolution and its norm, without activation. */
function unit(b: Builder, conv: string, norm: string, x: string, filters: number, kernel: number, stride = 1): string {
  const y = b.conv(conv, x, { filters, kernel, stride, padding: kernel >> 1 });
  return b.batchNorm(norm, y);
}

/** Adds the block's input, brought to its shape where that differs, and applies ReLU. */
function residual(b: Builder, id: string, x: string, y: string, stride: number): string {
  const same = stride === 1 && b.channels(x) === b.channels(y);
  const shortcut = same ? x : unit(b, `${id}.downsample.0`, `${id}.downsample.1`, x, b.channels(y), 1, stride);
  return b.relu(`${id}.out`, b.add(`${id}.add`, y, shortcut));
}

const basic: Block = (b, id, x, channels, stride) => {
  let y = b.relu(`${id}.relu1`, unit(b, `${id}.conv1`, `${id}.bn1`, x, channels, 3, stride));
  y = unit(b, `${id}.conv2`, `${id}.bn2`, y, channels, 3);
  return residual(b, id, x, y, stride);
};

const bottleneck: Block = (b, id, x, channels, stride) => {
  let y = b.relu(`${id}.relu1`, unit(b, `${id}.conv1`, `${id}.bn1`, x, channels, 1));
  y = b.relu(`${id}.relu2`, unit(b, `${id}.conv2`, `${id}.bn2`, y, channels, 3, stride));
  y = unit(b, `${id}.conv3`, `${id}.bn3`, y, channels * 4, 1);
  return residual(b, id, x, y, stride);
};

function resnet(name: string, block: Block, depths: readonly number[], options: ImageModelOptions) {
  const b = new Builder(name, options.seed);
  const small = isSmall(options);
  let x = b.input('image', imageShape(options));
  x = b.conv('conv1', x, {
    filters: scaled(64, options),
    kernel: small ? 3 : 7,
    stride: small ? 1 : 2,
    padding: small ? 1 : 3,
  });
  x = b.relu('relu', b.batchNorm('bn1', x));
  if (!small) x = b.maxPool('maxpool', x, { kernel: 3, stride: 2, padding: 1 });
  depths.forEach((depth, stage) => {
    for (let i = 0; i < depth; i++)
      x = block(b, `layer${stage + 1}.${i}`, x, scaled(64 << stage, options), stage > 0 && i === 0 ? 2 : 1);
  });
  x = b.globalAveragePool('avgpool', x);
  return b.build(b.dense('fc', x, { units: options.classes }));
}

const paper = 'He et al. 2016, Deep Residual Learning for Image Recognition';
const definition = (id: string, title: string, block: Block, depths: readonly number[]) =>
  defineModel<ImageModelOptions>({
    id,
    title,
    paper,
    task: 'classification',
    options: imageModelOptions,
    build: options => resnet(id, block, depths, options),
  });

export const resnet18 = definition('resnet18', 'ResNet-18', basic, [2, 2, 2, 2]);
export const resnet34 = definition('resnet34', 'ResNet-34', basic, [3, 4, 6, 3]);
export const resnet50 = definition('resnet50', 'ResNet-50', bottleneck, [3, 4, 6, 3]);
