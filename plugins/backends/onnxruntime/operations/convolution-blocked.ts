/*
 * Convolutions in ONNX Runtime's blocked layout. Filters come as [O, kh, kw, C], as they rest, and are brought to blocks
 * in every step: cheap beside the convolution. Channels that do not fill a block are padded with zeros, and so must the
 * filters be: the kernels do not check.
 */
import type { Emitter } from '../emitter.ts';
import { roundUp } from '../layout.ts';
import type { Sizes } from './convolution-plain.ts';
import type { Window } from './window.ts';

type Pads = readonly [top: number, left: number, bottom: number, right: number];

interface ConvOptions {
  readonly kernel: readonly [number, number];
  readonly pads?: Pads;
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly group?: number;
  readonly bias?: string;
  /** Added to the result before the activation. */
  readonly sum?: string;
  readonly activation?: 'Relu' | undefined;
}

/** The Conv of the blocked domain. */
export function blockedConv(e: Emitter, x: string, filter: string, options: ConvOptions): string {
  const { kernel, pads = [0, 0, 0, 0], strides = [1, 1], dilations = [1, 1], group = 1 } = options;
  const inputs = [x, filter];
  if (options.bias !== undefined || options.sum !== undefined) inputs.push(options.bias ?? '');
  if (options.sum !== undefined) inputs.push(options.sum);
  const attributes = { kernel_shape: kernel, pads, strides, dilations, group, activation: options.activation };
  return e.nchwc('Conv', inputs, attributes);
}

/** Whether blocks pay for these widths: padding must not add more than a third to the work. */
export function paysInBlocks(channels: number, outChannels: number, block: number): boolean {
  if (block === 0 || outChannels < block) return false;
  const input = channels < block ? channels : roundUp(channels, block);
  return input * roundUp(outChannels, block) <= 1.35 * channels * outChannels;
}

/** A resting filter with both widths filled up to blocks, [O, taps, C]. */
function padded(e: Emitter, filter: string, taps: number, s: Sizes, block: number) {
  const [O, C] = [roundUp(s.outChannels, block), roundUp(s.channels, block)];
  const flat = e.reshape(filter, [s.outChannels, taps, s.channels]);
  return { O, C, flat: e.pad(flat, [0, 0, 0], [O - s.outChannels, 0, C - s.channels]) };
}

/** What a convolution may take along; the bias is filled up to blocks. */
export type Along = Pick<ConvOptions, 'bias' | 'sum' | 'activation'>;

/** The product of convolution; `x` is blocked, or NCHW where the image has fewer channels than a block. */
export function forward(
  e: Emitter,
  x: string,
  filter: string,
  window: Window,
  s: Sizes,
  plainInput: boolean,
  along: Along = {},
): string {
  const { block } = e.target;
  const [kh, kw] = window.kernel;
  const taps = kh * kw;
  const { kernel, pads, strides, dilations } = window;
  if (plainInput) {
    const O = roundUp(s.outChannels, block);
    const flat = e.pad(e.reshape(filter, [s.outChannels, taps, s.channels]), [0, 0, 0], [O - s.outChannels, 0, 0]);
    const split = e.transpose(e.reshape(flat, [O / block, block, taps, s.channels]), [0, 3, 2, 1]);
    return blockedConv(e, x, e.reshape(split, [O, s.channels, kh, kw]), { kernel, pads, strides, dilations, ...along });
  }
  const { O, C, flat } = padded(e, filter, taps, s, block);
  const blocks = e.target.frozen
    ? e.transpose(e.reshape(flat, [O / block, block, taps, C / block, block]), [0, 3, 2, 4, 1])
    : reordered(e, flat, O, C, taps);
  return blockedConv(e, x, e.reshape(blocks, [O, C, kh, kw]), { kernel, pads, strides, dilations, ...along });
}

/** A filter [O, taps, C] in blocks, [O / block, C / block, taps, block of C, block of O]. */
function reordered(e: Emitter, flat: string, O: number, C: number, taps: number): string {
  const { block } = e.target;
  const rows = e.nchwc('ReorderInput', [e.reshape(flat, [O / block, block, taps * C, 1])]);
  return e.transpose(e.reshape(rows, [O / block, taps, C / block, block * block]), [0, 2, 1, 3]);
}

/** Whether {@link inputGradient} knows the window. */
export function hasInputGradient(window: Window, s: Sizes): boolean {
  const { strides, dilations } = window;
  if (dilations.some(d => d !== 1)) return false;
  if (s.height % strides[0] !== 0 || s.width % strides[1] !== 0) return false;
  const pointwise = window.kernel.every(k => k === 1) && window.pads.every(p => p === 0);
  if (pointwise) return strides[0] === strides[1] && s.height === s.outHeight * strides[0];
  const [rows, columns] = [phases(window, s, 0), phases(window, s, 1)];
  return [...rows, ...columns].every(p => p.taps.length > 0 && p.before >= 0 && p.after >= 0);
}

/** Which taps reach the places y = stride q + residue of the input, and the padding of that convolution of dy. */
interface Phase {
  readonly taps: readonly number[];
  readonly before: number;
  readonly after: number;
}

function phases(window: Window, s: Sizes, axis: 0 | 1): Phase[] {
  const stride = window.strides[axis];
  const [kernel, pad] = [window.kernel[axis], window.pads[axis]];
  const [size, outSize] = axis === 0 ? [s.height, s.outHeight] : [s.width, s.outWidth];
  return Array.from({ length: stride }, (_, residue) => {
    const taps: number[] = [];
    for (let k = kernel - 1; k >= 0; k--) if ((residue + pad - k) % stride === 0) taps.push(k);
    // The place of dy that the first (highest) tap looks at, relative to q.
    const first = taps.length === 0 ? 0 : (residue + pad - taps[0]!) / stride;
    return { taps, before: -first, after: size / stride - outSize + first + taps.length - 1 };
  });
}

/** Makes the filter of some taps, given in the order of the convolution of dy. */
type TapFilter = (taps: readonly number[], kernel: readonly [number, number]) => string;

/** The gradient of the input. With strides, one convolution for every residue of the place, and their interleaving. */
export function inputGradient(e: Emitter, dy: string, filter: string, window: Window, s: Sizes): string {
  const { block } = e.target;
  const [kh, kw] = window.kernel;
  const { O, C, flat } = padded(e, filter, kh * kw, s, block);
  const rows = e.reshape(flat, [(O * kh * kw * C) / block, block]);
  // The filter turned around, [C / block, O / block, taps, block of O, block of C]: rows of a block only change places.
  const pick: TapFilter = (taps, [h, w]) => {
    const places = new Int32Array((O * taps.length * C) / block);
    let at = 0;
    for (let c = 0; c < C / block; c++) {
      for (let o = 0; o < O; o += block) {
        for (const tap of taps) {
          for (let k = o; k < o + block; k++) places[at++] = ((k * kh * kw + tap) * C) / block + c;
        }
      }
    }
    const turned = e.op('Gather', [rows, e.graph.constant('int32', [places.length], places)]);
    return e.reshape(turned, [C, O, h, w]);
  };
  if (kh === 1 && kw === 1 && window.strides[0] > 1) {
    return spread(e, blockedConv(e, dy, pick([0], [1, 1]), { kernel: [1, 1] }), window.strides[0], s);
  }
  return byPhases(e, dy, pick, window, s, 1);
}

/** The gradient of the input of a depthwise convolution; `filter` is [C, 1, kh, kw]. */
export function depthwiseInputGradient(e: Emitter, dy: string, filter: string, window: Window, s: Sizes): string {
  const [kh, kw] = window.kernel;
  const channels = roundUp(s.channels, e.target.block);
  const blocks = depthwiseBlocks(e, filter, kh * kw, s.channels);
  const pick: TapFilter = (taps, [h, w]) =>
    e.reshape(e.op('Gather', [blocks, e.ints(taps)], { axis: 1 }), [channels, 1, h, w]);
  return byPhases(e, dy, pick, window, s, channels);
}

function byPhases(e: Emitter, dy: string, pick: TapFilter, window: Window, s: Sizes, group: number): string {
  const { block } = e.target;
  const [rows, columns] = [phases(window, s, 0), phases(window, s, 1)];
  const parts = rows.map(row =>
    columns.map(column => {
      const kernel = [row.taps.length, column.taps.length] as const;
      const taps = row.taps.flatMap(i => column.taps.map(j => i * window.kernel[1] + j));
      const pads = [row.before, column.before, row.after, column.after] as const;
      return blockedConv(e, dy, pick(taps, kernel), { kernel, pads, group });
    }),
  );
  if (rows.length === 1 && columns.length === 1) return parts[0]![0]!;
  const images = (s.batch * roundUp(s.channels, block)) / block;
  const [h, w] = [s.height / rows.length, s.width / columns.length];
  const lines = parts.map(line => {
    const places = line.map(part => e.reshape(part, [images * h, w, 1, block]));
    const joined = places.length > 1 ? e.op('Concat', places, { axis: 2 }) : places[0]!;
    return e.reshape(joined, [images, h, 1, s.width * block]);
  });
  const image = lines.length > 1 ? e.op('Concat', lines, { axis: 2 }) : lines[0]!;
  return e.reshape(image, [s.batch, roundUp(s.channels, block), s.height, s.width]);
}

/** Puts the elements of an image apart, with zeros between. */
function spread(e: Emitter, x: string, stride: number, s: Sizes): string {
  const { block } = e.target;
  const channels = roundUp(s.channels, block);
  const wide = e.nchwc('Upsample', [x], { scales: [1, 1, stride, stride] });
  const mask = new Float32Array(s.height * s.width * block);
  for (let y = 0; y < s.height; y += stride) {
    for (let at = 0; at < s.width; at += stride)
      mask.fill(1, (y * s.width + at) * block, (y * s.width + at + 1) * block);
  }
  const flat = e.reshape(wide, [s.batch, channels / block, mask.length]);
  const masked = e.mul(flat, e.graph.constant('float32', [1, 1, mask.length], mask));
  return e.reshape(masked, [s.batch, channels, s.height, s.width]);
}

/** A depthwise filter [C, 1, kh, kw] in blocks, [C / block, taps, block]. */
function depthwiseBlocks(e: Emitter, filter: string, taps: number, channels: number): string {
  const { block } = e.target;
  const full = roundUp(channels, block);
  const flat = e.pad(e.reshape(filter, [channels, taps]), [0, 0], [full - channels, 0]);
  const rows = e.nchwc('ReorderInput', [e.reshape(flat, [full / block, block, taps, 1])]);
  return e.reshape(rows, [full / block, taps, block]);
}

/** Depthwise convolution; `filter` is [C, 1, kh, kw]. */
export function depthwiseForward(e: Emitter, x: string, filter: string, window: Window, channels: number): string {
  const { kernel, pads, strides, dilations } = window;
  const group = roundUp(channels, e.target.block);
  const blocks = depthwiseBlocks(e, filter, kernel[0] * kernel[1], channels);
  const shaped = e.reshape(blocks, [group, 1, ...kernel]);
  return blockedConv(e, x, shaped, { kernel, pads, strides, dilations, group });
}

/** The padding with which dy, as the filter of the input, gives exactly the taps; undefined where there is none. */
export function tapPads(window: Window, s: Sizes): Pads | undefined {
  const { kernel, strides, dilations, pads } = window;
  if (dilations.some(d => d !== 1)) return undefined;
  const after = [s.height, s.width].map((size, i) => {
    const reach = ([s.outHeight, s.outWidth][i]! - 1) * strides[i]! + 1;
    return kernel[i]! - 1 + reach - size - pads[i]!;
  });
  return after.every(p => p >= 0) ? [pads[0], pads[1], after[0]!, after[1]!] : undefined;
}

/** The gradient of a depthwise filter, [kh kw, C]: every channel of every image is convolved by its own gradient. */
export function depthwiseFilterGradient(e: Emitter, x: string, dy: string, window: Window, s: Sizes): string {
  const { block } = e.target;
  const channels = roundUp(s.channels, block);
  const group = s.batch * channels;
  const [kh, kw] = window.kernel;
  const image = e.reshape(x, [1, group, s.height, s.width]);
  const filter = e.reshape(dy, [group, 1, s.outHeight, s.outWidth]);
  const kernel = [s.outHeight, s.outWidth] as const;
  const products = blockedConv(e, image, filter, {
    kernel,
    pads: tapPads(window, s)!,
    dilations: window.strides,
    group,
  });
  const apart = e.reshape(products, [s.batch, channels / block, kh * kw, block]);
  const sums = e.transpose(e.reduce('ReduceSum', apart, [0]), [1, 0, 2]);
  const flat = e.reshape(sums, [kh * kw, channels]);
  return channels > s.channels ? e.slice(flat, [1], [0], [s.channels]) : flat;
}
