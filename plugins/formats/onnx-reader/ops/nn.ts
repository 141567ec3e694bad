import { arrange, image, placesOf, settled, withLast } from '../arrange.ts';
import { permute } from '../../../../kernel/strided.ts';
import { constant, sizeOf, type Constant } from '../constant.ts';
import type { Handler } from '../handler.ts';
import { float32, type ParameterSource, type Reading } from '../reading.ts';
import { axisOf, dimsOf, lengthOf, sameAxes, sameAxis, showDims, type Axis, type Value } from '../value.ts';

/** A parameter whose axes stand in another order than the file's. */
function turned(r: Reading, known: Constant, order: readonly number[]): ParameterSource {
  const shape = order.map(axis => known.dims[axis]!);
  return r.parameter(known, shape, () => permute(float32(known), known.dims, order));
}

function vector(r: Reading, known: Constant, length: number, what: string): ParameterSource {
  if (sizeOf(known.dims) !== length) throw r.error(`${what} has shape [${known.dims.join(', ')}], ${length} expected`);
  return r.parameter(known, [length]);
}

/** Window attributes of a convolution or pool over an image of this height and width. */
export function window(r: Reading, sides: readonly number[], kernel: readonly number[], dilation: readonly number[]) {
  const stride = r.ints('strides') ?? [1, 1];
  const pads = r.ints('pads') ?? [0, 0, 0, 0];
  if (kernel.length !== 2 || stride.length !== 2 || pads.length !== 4 || dilation.length !== 2)
    throw r.unsupported('a window that is not two-dimensional');
  if ([...pads].some(n => n < 0)) throw r.unsupported('negative padding');
  const mode = r.text('auto_pad', 'NOTSET');
  const padding = [0, 1].map(axis => {
    const span = (kernel[axis]! - 1) * dilation[axis]! + 1;
    if (mode === 'VALID') return [0, 0];
    if (mode === 'NOTSET') {
      const given = [pads[axis]!, pads[axis + 2]!];
      if (!r.number('ceil_mode', 0)) return given;
      // The last window may stand out, as long as it begins inside of what the file pads.
      const room = sides[axis]! + given[0]! + given[1]! - span;
      let extra = (stride[axis]! - (room % stride[axis]!)) % stride[axis]!;
      if (room + extra >= sides[axis]! + given[0]!) extra = 0;
      return [given[0]!, given[1]! + extra];
    }
    const missing = Math.max(0, (Math.ceil(sides[axis]! / stride[axis]!) - 1) * stride[axis]! + span - sides[axis]!);
    const less = Math.floor(missing / 2);
    return mode === 'SAME_UPPER' ? [less, missing - less] : [missing - less, less];
  });
  const sizes = padding.map(([begin, end], axis) => {
    const span = (kernel[axis]! - 1) * dilation[axis]! + 1;
    return Math.floor((sides[axis]! + begin! + end! - span) / stride[axis]!) + 1;
  });
  if (sizes.some(n => !(n >= 1))) throw r.error(`windows of ${kernel.join(' x ')} over ${sides.join(' x ')} places`);
  return { attributes: { stride, padding }, sizes };
}

const isPlain = (list: readonly number[] | undefined, value: number) => (list ?? []).every(n => n === value);

const conv: Handler = r => {
  const x = r.value(0);
  const weight = r.constant(1);
  const bias = r.constant(2);
  if (!weight) throw r.unsupported('a kernel that is computed');
  const dims = dimsOf(x);
  if (dims.length !== 4 || weight.dims.length !== 4)
    throw r.unsupported(`a convolution of ${showDims(dims)} with a kernel [${weight.dims.join(', ')}]`);
  const [filters, perGroup, kh, kw] = weight.dims as [number, number, number, number];
  const groups = r.number('group', 1);
  if (dims[1] !== perGroup * groups)
    throw r.error(`${dims[1]} input channels, kernel expects ${perGroup} x ${groups} groups`);
  const dilation = r.ints('dilations') ?? [1, 1];
  const id = r.layer(weight, bias);
  const extra: Record<string, ParameterSource> = bias ? { bias: vector(r, bias, filters, 'bias') } : {};
  const isPointwise =
    kh === 1 && kw === 1 && groups === 1 && isPlain(r.ints('strides'), 1) && isPlain(r.ints('pads'), 0);
  // Where the channels lie in place but the value is no image, a dense layer does the same without making it one.
  const isImage = x.axes.length === 3 && sameAxes(x.axes.slice(0, 2), x.dims.slice(2));
  const isInPlace = !isImage && sameAxes(x.axes.slice(-1), [x.dims[1]!]);
  if (isPointwise && isInPlace) {
    const source = turned(r, { ...weight, dims: [filters, perGroup] }, [1, 0]);
    return dense(r, x, 1, source, id, extra);
  }
  const y = image(r, x);
  const { attributes, sizes } = window(r, dims.slice(2), [kh, kw], dilation);
  const made = r.emit(
    'conv',
    id,
    [y.id],
    { ...attributes, dilation, groups },
    { kernel: turned(r, weight, [2, 3, 1, 0]), ...extra },
  );
  return imageOf(r, made, y, sizes, filters);
};

/** An image that a node gives; sides that stay keep what is known of them. */
function imageOf(r: Reading, id: string, from: Value, sizes: readonly number[], channels?: number): Value {
  const [h, w] = sizes.map((n, i) => (n === lengthOf(from.dims[2 + i]!) ? from.dims[2 + i]! : axisOf(n))) as [
    Axis,
    Axis,
  ];
  const c = channels === undefined ? from.dims[1]! : axisOf(channels);
  return r.made(id, [h, w, c], [from.dims[0]!, c, h, w]);
}

/** A dense layer along one of the file's axes. Where that axis is an image in the file's order, the kernel's rows move. */
export function dense(
  r: Reading,
  input: Value,
  axis: number,
  kernel: ParameterSource,
  id: string,
  extra: Record<string, ParameterSource> = {},
): Value {
  const wanted = input.dims[axis]!;
  if (lengthOf(wanted) !== kernel.shape[0])
    throw r.error(`${lengthOf(wanted)} inputs, kernel expects ${kernel.shape[0]}`);
  const ours = input.axes.flat().filter(atom => wanted.includes(atom));
  const dims = input.dims.map((own, i) => (i === axis ? ours : own));
  const x = withLast(r, { ...input, dims }, axis);
  const units = kernel.shape[1]!;
  const source = sameAxis(ours, wanted) ? kernel : { ...kernel, values: () => rowsAt(kernel, placesOf(wanted, ours)) };
  const out = axisOf(units);
  const made = r.emit('dense', id, [x.id], {}, { kernel: source, ...extra });
  return r.made(
    made,
    [...x.axes.slice(0, -1), out],
    x.dims.map((own, i) => (i === axis ? out : own)),
  );
}

function rowsAt({ shape, values }: ParameterSource, rows: readonly number[]): Float32Array {
  const units = shape[1]!;
  const from = values();
  const to = new Float32Array(from.length);
  rows.forEach((row, i) => to.set(from.subarray(row * units, (row + 1) * units), i * units));
  return to;
}

const gemm: Handler = r => {
  const x = r.value(0);
  const weight = r.constant(1);
  if (!weight || weight.dims.length !== 2) throw r.unsupported('a product whose second factor is no matrix of weights');
  if (r.number('transA', 0) || r.number('alpha', 1) !== 1 || r.number('beta', 1) !== 1)
    throw r.unsupported('transA, alpha or beta');
  const bias = r.constant(2);
  const kernel = r.number('transB', 0) ? turned(r, weight, [1, 0]) : r.parameter(weight);
  const extra: Record<string, ParameterSource> = bias ? { bias: vector(r, bias, kernel.shape[1]!, 'bias') } : {};
  return dense(r, x, x.dims.length - 1, kernel, r.layer(weight, bias), extra);
};

const batchNormalization: Handler = r => {
  if (r.number('training_mode', 0)) throw r.unsupported('training mode: export the model in evaluation mode');
  const x = r.value(0);
  const channels = lengthOf(x.dims[1] ?? []);
  const known = [1, 2, 3, 4].map(i => r.constant(i));
  const [scale, offset, mean, variance] = known.map((constant, i) => {
    if (!constant) throw r.unsupported('a statistic that is computed');
    return { ...vector(r, constant, channels, ['scale', 'offset', 'mean', 'variance'][i]!), trainable: i < 2 };
  });
  const y = withLast(r, x, 1);
  const epsilon = r.number('epsilon', 1e-5);
  const momentum = Number((1 - r.number('momentum', 0.9)).toFixed(6));
  const id = r.emit(
    'batch-norm',
    r.layer(...known),
    [y.id],
    { epsilon, momentum },
    {
      scale: scale!,
      offset: offset!,
      mean: mean!,
      variance: variance!,
    },
  );
  return { ...y, id };
};

const layerNormalization: Handler = r => {
  const x = r.value(0);
  const axis = r.axis(r.number('axis', -1), x.dims.length);
  if (axis !== x.dims.length - 1) throw r.unsupported('a norm over several axes');
  return layerNorm(r, x, axis, r.number('epsilon', 1e-5), r.constant(1), r.constant(2));
};

/** A layer norm along one of the file's axes. */
export function layerNorm(
  r: Reading,
  x: Value,
  axis: number,
  epsilon: number,
  scale?: Constant,
  offset?: Constant,
): Value {
  const y = withLast(r, x, axis);
  const channels = lengthOf(x.dims[axis]!);
  const filled = (value: number) => ({ ...constant('float', [channels], new Float32Array(channels).fill(value)) });
  const id = r.emit(
    'layer-norm',
    r.layer(scale, offset),
    [y.id],
    { epsilon },
    {
      scale: vector(r, scale ?? filled(1), channels, 'scale'),
      offset: vector(r, offset ?? filled(0), channels, 'offset'),
    },
  );
  return { ...y, id };
}

const pool =
  (op: 'max-pool' | 'average-pool'): Handler =>
  r => {
    if (r.node.outputs.length > 1) throw r.unsupported('the places of the maxima');
    if (!isPlain(r.ints('dilations'), 1)) throw r.unsupported('a pool with dilation');
    let x = r.value(0);
    const kernel = r.ints('kernel_shape') ?? [];
    // ONNX Runtime then begins inside of the image, where it does not for other windows.
    const skips = (r.ints('strides') ?? []).some((stride, i) => stride > kernel[i]!);
    if (op === 'average-pool' && skips && r.text('auto_pad', 'NOTSET').startsWith('SAME'))
      throw r.unsupported(`auto_pad of windows of ${kernel.join(' x ')} that leave places out`);
    let sides = dimsOf(x).slice(2);
    const {
      attributes: { stride, padding: whole },
      sizes,
    } = window(r, sides, kernel, [1, 1]);
    let padding = whole;
    if (kernel.every(n => n === 1) && isPlain(r.ints('strides'), 1) && isPlain(r.ints('pads'), 0)) return x;
    x = image(r, x);
    const pads = r.ints('pads') ?? [0, 0, 0, 0];
    if (op === 'average-pool' && r.number('count_include_pad', 0) && pads.some(n => n > 0)) {
      // The file's padding counts as zeros; what ceil_mode adds behind it does not count.
      const border = [
        [pads[0]!, pads[2]!],
        [pads[1]!, pads[3]!],
      ];
      sides = sides.map((n, i) => n + border[i]![0]! + border[i]![1]!);
      x = imageOf(r, r.emit('pad', `${r.layer()}.pad`, [x.id], { padding: border }), x, sides);
      padding = whole.map((own, i) => own.map((n, j) => n - border[i]![j]!));
    }
    return imageOf(r, r.emit(op, r.layer(), [x.id], { kernel, stride, padding }), x, sizes);
  };

/** The mean over all places that are left in the graph's value beside the channels. */
export function poolAll(r: Reading, x: Value, reduced: ReadonlySet<number>, keep: boolean): Value {
  const gone = [...reduced].flatMap(i => x.dims[i]!);
  const left = x.dims.flatMap((axis, i) => (reduced.has(i) || i === 0 ? [] : axis));
  if (reduced.has(0) || left.length === 0)
    throw r.unsupported(`a mean over axes ${[...reduced].join(', ')} of ${showDims(dimsOf(x))}`);
  const channels = x.axes.flat().filter(atom => left.includes(atom));
  const places = x.axes.flat().filter(atom => gone.includes(atom));
  const dims = x.dims.flatMap((axis, i) => (!reduced.has(i) ? [axis] : keep ? [[]] : []));
  if (places.length === 0 && x.axes.length === 1) return { ...x, dims };
  const last = x.axes[x.axes.length - 1]!;
  const y = sameAxis(last, channels) ? settled(r, x) : arrange(r, settled(r, x), [places, channels]);
  const id = r.emit('global-average-pool', r.layer(), [y.id]);
  return r.made(id, [channels], dims);
}

const globalAveragePool: Handler = r => {
  const x = image(r, r.value(0));
  return poolAll(r, x, new Set([2, 3]), true);
};

const pad: Handler = r => {
  if (r.text('mode', 'constant') !== 'constant') throw r.unsupported(`mode ${r.text('mode', '')}`);
  if ((r.numbers(2)?.[0] ?? r.number('value', 0)) !== 0) throw r.unsupported('padding with anything but 0');
  const axes = r.numbers(3);
  const given = r.numbers(1, 'pads') ?? [];
  const x = r.value(0);
  const rank = x.dims.length;
  const along = axes ?? [...x.dims.keys()];
  if (given.length !== 2 * along.length) throw r.error(`${given.length} sizes of padding for ${along.length} axes`);
  const pads = Array<number>(2 * rank).fill(0);
  along.forEach((axis, i, list) => {
    pads[r.axis(axis, rank)] = given[i]!;
    pads[r.axis(axis, rank) + rank] = given[i + list.length]!;
  });
  if (pads.every(n => n === 0)) return x;
  if (rank !== 4 || pads.some((n, i) => !(n >= 0) || (i % 4 < 2 && n !== 0)))
    throw r.unsupported(`padding [${pads.join(', ')}] of ${showDims(dimsOf(x))}`);
  const y = image(r, x);
  const padding = [
    [pads[2]!, pads[6]!],
    [pads[3]!, pads[7]!],
  ];
  const sizes = dimsOf(x)
    .slice(2)
    .map((n, i) => n + padding[i]![0]! + padding[i]![1]!);
  return imageOf(r, r.emit('pad', r.layer(), [y.id], { padding }), y, sizes);
};

const resize: Handler = r => {
  const x = image(r, r.value(0));
  const dims = dimsOf(x);
  const old = r.opset < 11;
  const scales = r.numbers(old ? 1 : 2, 'scales');
  const sizes = old ? undefined : r.numbers(3);
  const wanted = sizes?.length
    ? sizes.map((n, i) => (i === 0 && n === r.fixedBatch ? 1 : n / dims[i]!))
    : (scales ?? []);
  const [b, c, h, w] = wanted as [number, number, number, number];
  const way = `${r.text('coordinate_transformation_mode', 'half_pixel')}, ${r.text('nearest_mode', 'round_prefer_floor')}`;
  const isNearest = r.text('mode', 'nearest') === 'nearest' && ![...way.matchAll(/align_corners|tf_crop/g)].length;
  // Whole factors: every way of rounding but the one towards the end repeats each place.
  if (!isNearest || b !== 1 || c !== 1 || ![h, w].every(n => Number.isInteger(n) && n >= 1) || /, ceil/.test(way))
    throw r.unsupported(`${r.text('mode', 'nearest')} (${way}) by ${wanted.join(', ')}`);
  const id = r.emit('upsample', r.layer(), [x.id], { scale: [h, w] });
  return imageOf(r, id, x, [dims[2]! * h, dims[3]! * w]);
};

export const nn: Readonly<Record<string, Handler>> = {
  Conv: conv,
  Gemm: gemm,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  MaxPool: pool('max-pool'),
  AveragePool: pool('average-pool'),
  GlobalAveragePool: globalAveragePool,
  Pad: pad,
  Resize: resize,
  Upsample: resize,
};
