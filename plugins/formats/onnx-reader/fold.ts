import { permute, strided, stridesOf } from '../../../kernel/strided.ts';
import { constant, sizeOf, type Constant, type Kind } from './constant.ts';
import type { Item } from './form.ts';
import type { Reading } from './reading.ts';
import { BATCH, dimsOf } from './value.ts';

type Fold = (r: Reading, inputs: readonly Constant[]) => Constant | readonly Constant[];

/**
 * What the present node gives where all it reads is constant; undefined where it is an op of another kind. Shapes of
 * values are constants too, so this is where the arithmetic on shapes ends that exporters write before a reshape.
 */
export function fold(r: Reading): readonly Item[] | undefined {
  const { type, domain, inputs } = r.node;
  if (domain !== '') return undefined;
  if (type === 'Shape' || type === 'Size') return [shape(r, r.item(0))];
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  if (!rule) return undefined;
  const known = inputs.map((_, i) => r.optional(i));
  const least = leastInputs[type] ?? 1;
  for (let i = 0; i < least; i++) if (!known[i]) throw r.error(`input ${i + 1} is missing`);
  if (known.some(item => item !== undefined && item.kind !== 'constant')) return undefined;
  const result = rule(
    r,
    known.map(item => (item as Constant | undefined) ?? none),
  );
  return Array.isArray(result) ? (result as Constant[]) : [result as Constant];
}

const none = constant('float', [0], []);
const isGiven = (known: Constant | undefined): known is Constant => known !== undefined && known !== none;

function shape(r: Reading, item: Item): Constant {
  if (item.kind === 'form') {
    if (!('dims' in item)) throw r.unsupported(`the shape of ${item.what}`);
    return constant('int', [item.dims.length], dimsOf(item as never));
  }
  const dims = item.kind === 'constant' ? item.dims : dimsOf(item);
  if (r.node.type === 'Size') return constant('int', [], [sizeOf(dims)]);
  const bound = (name: string, otherwise: number) => {
    const at = r.number(name, otherwise);
    return at < 0 ? at + dims.length : at;
  };
  const part = dims.slice(bound('start', 0), bound('end', dims.length));
  return constant('int', [part.length], part);
}

/** Element by element, with the broadcasting of ONNX. */
function elementwise(r: Reading, inputs: readonly Constant[], f: (...x: number[]) => number, type?: Kind): Constant {
  const rank = Math.max(...inputs.map(({ dims }) => dims.length));
  const padded = inputs.map(({ dims }) => [...Array<number>(rank - dims.length).fill(1), ...dims]);
  const dims = Array.from({ length: rank }, (_, i) => {
    const sizes = padded.map(own => own[i]!);
    const size = sizes.find(n => n !== 1) ?? 1;
    if (sizes.some(n => n !== 1 && n !== size))
      throw r.error(`shapes ${padded.map(own => `[${own.join(', ')}]`).join(' and ')} do not fit`);
    return size;
  });
  r.spend(sizeOf(dims) * (inputs.length + 1));
  const operands = inputs.map((input, i) => {
    const steps = stridesOf(padded[i]!).map((step, axis) => (padded[i]![axis] === 1 ? 0 : step));
    return strided(input.values(), dims, steps);
  });
  const out = new Float64Array(sizeOf(dims));
  for (let i = 0; i < out.length; i++) out[i] = f(...operands.map(values => values[i]!));
  return constant(type ?? inputs[0]!.type, dims, out);
}

const unary =
  (f: (x: number) => number): Fold =>
  (r, [x]) =>
    elementwise(r, [x!], f);
const binary =
  (f: (a: number, b: number) => number, type?: Kind): Fold =>
  (r, [a, b]) =>
    elementwise(r, [a!, b!], f, type);

const divide: Fold = (r, [a, b]) => elementwise(r, [a!, b!], (x, y) => (a!.type === 'int' ? Math.trunc(x / y) : x / y));

const reduced =
  (f: (values: number[]) => number): Fold =>
  (r, [x, axes]) => {
    const list = isGiven(axes) ? [...axes.values()] : r.ints('axes');
    if ((list && list.length !== x!.dims.length) || x!.dims.length > 1)
      throw r.unsupported('a reduction of some axes of a constant');
    const dims = r.number('keepdims', 1) ? x!.dims.map(() => 1) : [];
    return constant(x!.type, dims, [f([...x!.values()])]);
  };

const same: Fold = (r, [x]) => ({ ...x!, name: namedBy(r, x!) });
/** An alias that an exporter wrote for an initializer that two layers share has the better name. */
const namedBy = (r: Reading, { name }: Constant) => r.node.outputs[0] || name;

const viewed = (r: Reading, x: Constant, dims: readonly number[]): Constant => {
  if (sizeOf(dims) !== sizeOf(x.dims)) throw r.error(`[${x.dims.join(', ')}] as [${dims.join(', ')}]`);
  return { ...x, dims };
};

/** Sizes that a Reshape asks for, with its 0 and -1 filled in. */
export function reshapeTo(r: Reading, dims: readonly number[], wanted: readonly number[]): number[] {
  const sizes = wanted.map((n, i) => (n === 0 && !r.number('allowzero', 0) ? (dims[i] ?? NaN) : n));
  if (sizes.filter(n => n === -1).length > 1 || sizes.some(n => !(n >= -1)))
    throw r.error(`shape [${wanted.join(', ')}]`);
  const rest = sizes.filter(n => n !== -1).reduce((a, b) => a * b, 1);
  return sizes.map(n => (n === -1 ? sizeOf(dims) / rest : n));
}

const squeeze: Fold = (r, [x, axes]) => {
  const list = isGiven(axes) ? [...axes.values()] : r.ints('axes');
  const at = new Set(
    list?.map(axis => r.axis(axis, x!.dims.length)) ?? x!.dims.flatMap((n, i) => (n === 1 ? [i] : [])),
  );
  return viewed(
    r,
    x!,
    x!.dims.filter((_, i) => !at.has(i)),
  );
};

export function unsqueezed<T>(r: Reading, dims: readonly T[], axes: readonly number[], one: T): T[] {
  const rank = dims.length + axes.length;
  if (rank > 16) throw r.error(`${rank} axes`);
  const at = new Set(axes.map(axis => r.axis(axis, rank)));
  const rest = [...dims];
  return Array.from({ length: rank }, (_, i) => (at.has(i) ? one : rest.shift()!));
}

const unsqueeze: Fold = (r, [x, axes]) => {
  const list = isGiven(axes) ? [...axes.values()] : (r.ints('axes') ?? []);
  return viewed(r, x!, unsqueezed(r, x!.dims, list, 1));
};

const concat: Fold = (r, inputs) => {
  const parts = inputs.filter(isGiven);
  const axis = r.axis(r.number('axis', 0), parts[0]!.dims.length);
  const dims = [...parts[0]!.dims];
  if (parts.some(part => part.dims.length !== dims.length)) throw r.error('shapes of different ranks');
  dims[axis] = parts.reduce((n, part) => n + part.dims[axis]!, 0);
  r.spend(sizeOf(dims));
  const outer = sizeOf(dims.slice(0, axis));
  const out = new Float64Array(sizeOf(dims));
  let at = 0;
  const lists = parts.map(part => part.values());
  for (let i = 0; i < outer; i++)
    for (const values of lists) {
      const rows = values.subarray((i * values.length) / outer, ((i + 1) * values.length) / outer);
      if (at + rows.length > out.length) throw r.error('shapes do not fit');
      out.set(rows, at);
      at += rows.length;
    }
  return constant(parts[0]!.type, dims, out);
};

const gather: Fold = (r, [x, indices]) => {
  const axis = r.axis(r.number('axis', 0), x!.dims.length);
  const length = x!.dims[axis]!;
  const dims = [...x!.dims.slice(0, axis), ...indices!.dims, ...x!.dims.slice(axis + 1)];
  r.spend(sizeOf(dims));
  const [outer, inner] = [sizeOf(x!.dims.slice(0, axis)), sizeOf(x!.dims.slice(axis + 1))];
  const values = x!.values();
  const out = new Float64Array(sizeOf(dims));
  let to = 0;
  for (let o = 0; o < outer; o++)
    for (const index of indices!.values()) {
      const place = index < 0 ? index + length : index;
      if (!(place >= 0 && place < length)) throw r.error(`index ${index} of ${length}`);
      for (let i = 0; i < inner; i++) out[to++] = values[(o * length + place) * inner + i]!;
    }
  return constant(x!.type, dims, out);
};

/** Begins, ends, axes and steps of a Slice belong together. */
export function checkSameLength(r: Reading, ...lists: readonly (readonly number[])[]): void {
  const lengths = lists.map(({ length }) => length);
  if (new Set(lengths).size > 1) throw r.error(`${lengths.join(', ')} begins, ends, axes and steps`);
}

/** Begin, size and step of one axis under the rules of Slice. */
export function bounds(
  r: Reading,
  length: number,
  start: number,
  end: number,
  step: number,
): [begin: number, size: number] {
  if (step === 0) throw r.error('a step of 0');
  const clamp = (n: number, low: number, high: number) => Math.min(Math.max(n < 0 ? n + length : n, low), high);
  const begin = step > 0 ? clamp(start, 0, length) : clamp(start, 0, length - 1);
  const stop = step > 0 ? clamp(end, 0, length) : end < -length ? -1 : clamp(end, -1, length - 1);
  return [begin, Math.max(0, Math.ceil((stop - begin) / step))];
}

const slice: Fold = (r, [x, starts, ends, axes, steps]) => {
  const list = (known: Constant | undefined, name: string) => (isGiven(known) ? [...known.values()] : r.ints(name));
  const from = list(starts, 'starts') ?? [];
  const to = list(ends, 'ends') ?? [];
  const along = list(axes, 'axes') ?? from.map((_, i) => i);
  const by = list(steps, 'steps') ?? from.map(() => 1);
  checkSameLength(r, from, to, along, by);
  const dims = [...x!.dims];
  const walk = stridesOf(dims);
  const own = [...walk];
  let begin = 0;
  along.forEach((wanted, i) => {
    const axis = r.axis(wanted, dims.length);
    const [first, size] = bounds(r, x!.dims[axis]!, from[i]!, to[i]!, by[i]!);
    begin += first * own[axis]!;
    dims[axis] = size;
    walk[axis] = own[axis]! * by[i]!;
  });
  r.spend(sizeOf(dims));
  return { ...constant(x!.type, dims, strided(x!.values(), dims, walk, begin)) };
};

const transpose: Fold = (r, [x]) => {
  const order = r.ints('perm') ?? [...x!.dims.keys()].reverse();
  if (new Set(order).size !== x!.dims.length || order.some(i => !(i in x!.dims)))
    throw r.error(`order [${order.join(', ')}]`);
  // Weights are turned when their parameter is read.
  return { ...x!, dims: order.map(i => x!.dims[i]!), values: () => permute(x!.values(), x!.dims, order) };
};

const expand: Fold = (r, [x, wanted]) => {
  const target = [...wanted!.values()];
  // What is the same for every sample needs no batch.
  const sizes = target.map((n, i) => (n >= BATCH || n === 1 ? (x!.dims[i - target.length + x!.dims.length] ?? 1) : n));
  if (sizeOf(sizes) === sizeOf(x!.dims)) return viewed(r, x!, sizes);
  return elementwise(r, [x!, fill(r, sizes, 'float', 0)], a => a);
};

function fill(r: Reading, dims: readonly number[], type: Kind, value: number): Constant {
  if (dims.some(n => !(n >= 0))) throw r.error(`shape [${dims.join(', ')}]`);
  r.spend(sizeOf(dims));
  return constant(type, dims, new Float64Array(sizeOf(dims)).fill(value));
}

const constantOfShape: Fold = (r, [wanted]) => {
  const value = r.node.attributes.get('value');
  const known = value?.kind === 'tensor' ? value.value : constant('float', [1], [0]);
  return fill(
    r,
    [...wanted!.values()].map(n => (n >= BATCH ? 1 : n)),
    known.type,
    known.values()[0] ?? 0,
  );
};

const range: Fold = (r, [start, limit, delta]) => {
  const [from, to, by] = [start!.values()[0]!, limit!.values()[0]!, delta!.values()[0]!];
  const length = Math.max(0, Math.ceil((to - from) / by));
  r.spend(length);
  return constant(
    start!.type,
    [length],
    Array.from({ length }, (_, i) => from + i * by),
  );
};

const tile: Fold = (r, [x, repeats]) => {
  const times = [...repeats!.values()];
  const dims = x!.dims.flatMap((n, i) => [times[i] ?? 1, n]);
  r.spend(sizeOf(dims));
  const strides = stridesOf(x!.dims);
  const out = strided(
    x!.values(),
    dims,
    x!.dims.flatMap((_, i) => [0, strides[i]!]),
  );
  return constant(
    x!.type,
    x!.dims.map((n, i) => n * (times[i] ?? 1)),
    out,
  );
};

const splitConstant: Fold = (r, [x, sizes]) => {
  const axis = r.axis(r.number('axis', 0), x!.dims.length);
  const lengths = splitSizes(r, x!.dims[axis]!, isGiven(sizes) ? [...sizes.values()] : r.ints('split'));
  const strides = stridesOf(x!.dims);
  let at = 0;
  return lengths.map(length => {
    const dims = x!.dims.map((n, i) => (i === axis ? length : n));
    r.spend(sizeOf(dims));
    const part = constant(x!.type, dims, strided(x!.values(), dims, strides, at * strides[axis]!));
    at += length;
    return part;
  });
};

/** Sizes of the parts of a Split. */
export function splitSizes(r: Reading, length: number, sizes: number[] | undefined): number[] {
  const count = r.node.outputs.length;
  const each = Math.ceil(length / count);
  const list = sizes ?? Array.from({ length: count }, (_, i) => Math.min(each, length - i * each));
  if (list.length !== count || list.some(n => !(n >= 1)) || list.reduce((a, b) => a + b, 0) !== length)
    throw r.error(`parts of ${list.join(', ')} of ${length}`);
  return list;
}

const literal: Fold = r => {
  const name = r.node.outputs[0]!;
  for (const [key, attribute] of r.node.attributes) {
    if (attribute.kind === 'tensor') return { ...attribute.value, name };
    if (attribute.kind === 'number') return constant(key === 'value_int' ? 'int' : 'float', [], [attribute.value]);
    if (attribute.kind === 'numbers')
      return constant(key === 'value_ints' ? 'int' : 'float', [attribute.value.length], attribute.value);
  }
  throw r.unsupported('a constant of this kind');
};

const kinds: Readonly<Record<number, Kind>> = { 1: 'float', 9: 'bool', 10: 'float', 11: 'float', 16: 'float' };
const cast: Fold = (r, [x]) => {
  const type = kinds[r.number('to', 1)] ?? 'int';
  if (type === x!.type) return x!;
  return elementwise(r, [x!], type === 'int' ? Math.trunc : type === 'bool' ? n => Number(n !== 0) : n => n, type);
};

/** Inputs that must be there, where it is not one. */
const leastInputs: Readonly<Record<string, number>> = {
  ...{ Constant: 0, Gather: 2, Expand: 2, Tile: 2, CastLike: 2, Where: 3, Range: 3 },
  ...{ Add: 2, Sub: 2, Mul: 2, Div: 2, Mod: 2, Pow: 2, Min: 2, Max: 2 },
  ...{ Equal: 2, Less: 2, Greater: 2, And: 2, Or: 2 },
};

const rules: Readonly<Record<string, Fold>> = {
  Constant: literal,
  ConstantOfShape: constantOfShape,
  Identity: same,
  Dropout: same,
  Cast: cast,
  CastLike: (_r, [x]) => x!,
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: divide,
  Mod: binary((a, b) => a - b * Math.floor(a / b)),
  Pow: binary((a, b) => a ** b),
  Min: binary(Math.min),
  Max: binary(Math.max),
  Equal: binary((a, b) => Number(a === b), 'bool'),
  Less: binary((a, b) => Number(a < b), 'bool'),
  Greater: binary((a, b) => Number(a > b), 'bool'),
  And: binary((a, b) => a && b, 'bool'),
  Or: binary((a, b) => a || b, 'bool'),
  Not: unary(a => Number(!a)),
  Neg: unary(a => -a),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary(a => 1 / a),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Exp: unary(Math.exp),
  Where: (r, [which, a, b]) => elementwise(r, [which!, a!, b!], (w, x, y) => (w ? x : y), a!.type),
  ReduceProd: reduced(list => list.reduce((a, b) => a * b, 1)),
  ReduceSum: reduced(list => list.reduce((a, b) => a + b, 0)),
  ReduceMax: reduced(list => Math.max(...list)),
  ReduceMin: reduced(list => Math.min(...list)),
  Reshape: (r, [x, wanted]) =>
    viewed(r, x!, reshapeTo(r, x!.dims, wanted ? [...wanted.values()] : (r.ints('shape') ?? []))),
  Flatten: (r, [x]) => {
    const axis = r.number('axis', 1);
    return viewed(r, x!, [sizeOf(x!.dims.slice(0, axis)), sizeOf(x!.dims.slice(axis))]);
  },
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Gather: gather,
  Slice: slice,
  Split: splitConstant,
  Transpose: transpose,
  Expand: expand,
  Range: range,
  Tile: tile,
};
