import { Builder } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, isSmall, scaled, type ImageModelOptions } from './options.ts';

/** `channels` is the width of the stage before its expansion. */
type Block = (
  b: Builder,
  id: string,
  x: string,
  channels: number,
  stride: number,
  options: ImageModelOptions,
) => string;

/** A convolution and its norm, without activation. */
function unit(
  b: Builder,
  [conv, norm]: readonly [string, string],
  x: string,
  filters: number,
  kernel: number,
  { stride = 1, groups = 1 } = {},
): string {
  const y = b.conv(conv, x, { filters, kernel, stride, padding: kernel >> 1, groups });
  return b.batchNorm(norm, y);
}

/** Adds the block's input, brought to its shape where that differs, and applies ReLU. */
function residual(b: Builder, id: string, x: string, y: string, stride: number): string {
  const same = stride === 1 && b.channels(x) === b.channels(y);
  const shortcut = same ? x : downsample(b, id, x, b.channels(y), stride);
  return b.relu(`${id}.out`, b.add(`${id}.add`, y, shortcut));
}

const downsample = (b: Builder, id: string, x: string, filters: number, stride: number): string =>
  unit(b, [`${id}.downsample.0`, `${id}.downsample.1`], x, filters, 1, { stride });

const layer = (id: string, n: number) => [`${id}.conv${n}`, `${id}.bn${n}`] as const;

const basic: Block = (b, id, x, channels, stride) => {
  let y = b.relu(`${id}.relu1`, unit(b, layer(id, 1), x, channels, 3, { stride }));
  y = unit(b, layer(id, 2), y, channels, 3);
  return residual(b, id, x, y, stride);
};

/** A bottleneck whose inner convolution is `inner` channels wide, in so many groups. */
function bottlenecked(b: Builder, id: string, x: string, channels: number, stride: number, inner: number, groups = 1) {
  let y = b.relu(`${id}.relu1`, unit(b, layer(id, 1), x, inner, 1));
  y = b.relu(`${id}.relu2`, unit(b, layer(id, 2), y, inner, 3, { stride, groups }));
  y = unit(b, layer(id, 3), y, channels * 4, 1);
  return residual(b, id, x, y, stride);
}

const bottleneck: Block = (b, id, x, channels, stride) => bottlenecked(b, id, x, channels, stride, channels);

/** 32 groups, of 4 channels in the first stage and twice as many in each later one; a width scales their number. */
const grouped: Block = (b, id, x, channels, stride, options) => {
  const groups = scaled(32, options);
  const perGroup = Math.max(1, Math.round((channels * 2) / groups));
  return bottlenecked(b, id, x, channels, stride, perGroup * groups, groups);
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
      x = block(b, `layer${stage + 1}.${i}`, x, scaled(64 << stage, options), stage > 0 && i === 0 ? 2 : 1, options);
  });
  x = b.globalAveragePool('avgpool', x);
  return b.build(b.dense('fc', x, { units: options.classes }));
}

const he = 'He et al. 2016, Deep Residual Learning for Image Recognition';
const xie = 'Xie et al. 2017, Aggregated Residual Transformations for Deep Neural Networks';
const definition = (id: string, title: string, block: Block, depths: readonly number[], paper = he) =>
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
/** ResNeXt-50 with 32 groups of 4 channels. */
export const resnext50 = definition('resnext50', 'ResNeXt-50 32x4d', grouped, [3, 4, 6, 3], xie);
