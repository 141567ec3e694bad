import { arrange, settled, withLast } from '../arrange.ts';
import { sizeOf, type Constant } from '../constant.ts';
import { bounds, checkSameLength, reshapeTo, splitSizes, unsqueezed } from '../fold.ts';
import type { Item } from '../form.ts';
import type { Handler } from '../handler.ts';
import { isMadeUp, layerOfWeight } from '../names.ts';
import { float32, type Reading } from '../reading.ts';
import {
  axisOf,
  BATCH,
  batch,
  dimsOf,
  lengthOf,
  regroup,
  sameAxes,
  sameAxis,
  showDims,
  unify,
  type Axis,
  type Value,
} from '../value.ts';

/** The file's axes cut anew. Refused where the batch would be mixed with places, since then a sample is no sample. */
function reshaped(r: Reading, x: Value, sizes: readonly number[]): Value {
  const from = showDims(dimsOf(x));
  const next = regroup(x, sizes) ?? viaReshape(r, x, sizes);
  const places = next.axes.slice(0, -1).flat();
  const merged = next.dims.find(axis => axis.includes(batch) && axis.length > 1) ?? [];
  // All places beside the batch are rows that a dense layer reads one by one; some of them are samples of their own.
  if (merged.some(atom => places.includes(atom)) && places.some(atom => !merged.includes(atom)))
    throw r.error(
      `mixes the batch with places (${from} to ${showDims(sizes)}), as a window partition does; that is not supported`,
    );
  return next;
}

/** A reshape whose sizes do not divide: the numbers are laid out as in the file. */
function viaReshape(r: Reading, x: Value, sizes: readonly number[]): Value {
  if (sizes[0] !== BATCH || sizeOf(sizes) !== sizeOf(dimsOf(x)) || !sameAxis(x.dims[0]!, [batch]))
    throw r.error(`cannot bring ${showDims(dimsOf(x))} to ${showDims(sizes)}`);
  const plain = arrange(r, settled(r, x), x.dims.slice(1));
  const axes = sizes.slice(1).map(axisOf);
  const id = r.emit('reshape', r.layer(), [plain.id], { shape: sizes.slice(1) });
  return r.made(id, axes, [[batch], ...axes]);
}

const reshape: Handler = r => {
  const x = r.value(0);
  const dims = dimsOf(x);
  const wanted = r.numbers(1, 'shape') ?? [];
  const isFixed = r.fixedBatch !== undefined && wanted[0] === r.fixedBatch && dims[0] === BATCH;
  return reshaped(r, x, reshapeTo(r, dims, isFixed ? [BATCH, ...wanted.slice(1)] : wanted));
};

const flatten: Handler = r => {
  const x = r.value(0);
  const axis = r.number('axis', 1);
  const dims = dimsOf(x);
  return reshaped(r, x, [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))]);
};

const transpose: Handler = r => {
  const x = r.value(0);
  const order = r.ints('perm') ?? [...x.dims.keys()].reverse();
  if (order.length !== x.dims.length || new Set(order).size !== order.length || order.some(i => !(i in x.dims)))
    throw r.error(`order [${order.join(', ')}] for ${showDims(dimsOf(x))}`);
  return { ...x, dims: order.map(i => x.dims[i]!) };
};

const squeeze: Handler = r => {
  const x = r.value(0);
  const at = r.numbers(1, 'axes')?.map(axis => r.axis(axis, x.dims.length));
  const gone = new Set(at ?? x.dims.flatMap((axis, i) => (axis.length ? [] : [i])));
  for (const i of gone)
    if (x.dims[i]!.length > 0) throw r.error(`axis ${i} of ${showDims(dimsOf(x))} is not of size 1`);
  return { ...x, dims: x.dims.filter((_, i) => !gone.has(i)) };
};

const unsqueeze: Handler = r => {
  const x = r.value(0);
  return { ...x, dims: unsqueezed<Axis>(r, x.dims, r.numbers(1, 'axes') ?? [], []) };
};

/** Some places in a row of one of the file's axes. */
export function part(r: Reading, value: Value, axis: number, begin: number, size: number): Value {
  const atoms = value.dims[axis]!;
  if (atoms.includes(batch)) throw r.unsupported('a part of the batch');
  if (begin === 0 && size === lengthOf(atoms)) return value;
  if (!(size >= 1)) throw r.error(`${size} places of ${showDims(dimsOf(value))}`);
  let x = settled(r, value);
  const isFirst = (own: Axis) => sameAxis(own.slice(0, atoms.length), atoms);
  if (!x.axes.some(isFirst)) {
    const home = x.axes.find(own => atoms.every(atom => own.includes(atom)));
    const moved = home && [...atoms, ...home.filter(atom => !atoms.includes(atom))];
    x = moved
      ? arrange(
          r,
          x,
          x.axes.map(own => (own === home ? moved : own)),
        )
      : withLast(r, x, axis);
  }
  const at = x.axes.findIndex(isFirst);
  const rest = x.axes[at]!.slice(atoms.length);
  const made = axisOf(size);
  const dims = x.dims.map((own, i) => (i === axis ? made : own));
  if (at === 0 && x.axes.length === 2 && size === 1 && rest.length === 0)
    return r.made(r.emit('token', `${r.layer()}.token`, [x.id], { index: begin }), [x.axes[1]!], dims);
  const step = lengthOf(rest);
  const along = at === x.axes.length - 1 ? {} : { axis: at };
  const id = r.emit('slice', r.layer(), [x.id], { begin: begin * step, size: size * step, ...along });
  return r.made(
    id,
    x.axes.map((own, i) => (i === at ? [...made, ...rest] : own)),
    dims,
  );
}

const slice: Handler = r => {
  let x = r.value(0);
  const starts = r.numbers(1, 'starts') ?? [];
  const ends = r.numbers(2, 'ends') ?? [];
  const axes = r.numbers(3, 'axes') ?? [...starts.keys()];
  const steps = r.numbers(4) ?? starts.map(() => 1);
  checkSameLength(r, starts, ends, axes, steps);
  axes.forEach((wanted, i) => {
    const axis = r.axis(wanted, x.dims.length);
    const length = lengthOf(x.dims[axis]!);
    const [begin, size] = bounds(r, length, starts[i]!, ends[i]!, steps[i]!);
    if (begin === 0 && size === length) return;
    if (steps[i] !== 1) throw r.unsupported(`a step of ${steps[i]}`);
    x = part(r, x, axis, begin, size);
  });
  return x;
};

const split: Handler = r => {
  const x = r.value(0);
  const axis = r.axis(r.number('axis', 0), x.dims.length);
  let begin = 0;
  return splitSizes(r, lengthOf(x.dims[axis]!), r.numbers(1, 'split')).map(size =>
    part(r, x, axis, (begin += size) - size, size),
  );
};

const gather: Handler = r => {
  const x = r.value(0);
  const known = r.constant(1);
  if (!known) throw r.error('input 2 is missing');
  const axis = r.axis(r.number('axis', 0), x.dims.length);
  const length = lengthOf(x.dims[axis]!);
  if (known.dims.length > 1) throw r.unsupported(`a gather by indices [${known.dims.join(', ')}]`);
  const indices = Array.from(r.valuesOf(known, 2 ** 20), i => (i < 0 ? i + length : i));
  const outside = indices.find(i => !(i >= 0 && i < length));
  if (outside !== undefined) throw r.error(`index ${outside} of ${length}`);
  if (indices.every((index, i) => index === indices[0]! + i)) {
    const y = part(r, x, axis, indices[0]!, indices.length);
    return known.dims.length ? y : { ...y, dims: y.dims.filter((_, i) => i !== axis) };
  }
  const y = withLast(r, x, axis);
  const made = axisOf(indices.length);
  const id = r.emit('gather', r.layer(), [y.id], { indices });
  return r.made(
    id,
    [...y.axes.slice(0, -1), made],
    y.dims.map((own, i) => (i === axis ? made : own)),
  );
};

const concat: Handler = r => {
  const items = r.node.inputs.map((_, i) => r.item(i));
  const values = items.filter((item): item is Value => item.kind === 'value');
  if (items.length === 1) return items[0]!;
  const [first] = values;
  if (!first) throw r.unsupported(`a concatenation of ${items.map(item => item.kind).join(' and ')}`);
  const axis = r.axis(r.number('axis', 0), first.dims.length);
  if (values.length < items.length) return classToken(r, items, axis);
  return joined(
    r,
    values.map(value => settled(r, value)),
    axis,
  );
};

function joined(r: Reading, values: readonly Value[], axis: number): Value {
  // The value with most of the axis says where in the graph it lies.
  const reference = [...values].sort((a, b) => lengthOf(b.dims[axis] ?? []) - lengthOf(a.dims[axis] ?? []))[0]!;
  const fit = values.map(value => {
    if (value === reference) return value;
    // Without the axis itself in the reference, only the other axes are laid over each other.
    const bare = { ...reference, dims: reference.dims.map((atoms, i) => (i === axis ? [] : atoms)) };
    const both = value.dims.length === reference.dims.length && unify(bare, value);
    if (!both || !sameShape(dimsOf(value), dimsOf(reference), axis) || !sameAxes(both[0].dims, bare.dims))
      throw r.error(
        `shapes ${showDims(dimsOf(reference))} and ${showDims(dimsOf(value))} do not fit along axis ${axis}`,
      );
    return both[1];
  });
  const lead = wholeAxis(r, reference, axis);
  const at = lead.axes.findIndex(own => sameAxis(own, reference.dims[axis]!));
  const made = axisOf(fit.reduce((n, value) => n + lengthOf(value.dims[axis]!), 0));
  const ids = fit.map(value => {
    if (value === reference) return lead.id;
    const wanted = lead.axes.map((own, i) => (i === at ? value.dims[axis]! : own));
    return arrange(r, value, wanted).id;
  });
  const along = at === lead.axes.length - 1 ? {} : { axis: at };
  const id = r.emit('concat', r.layer(), ids, along);
  return r.made(
    id,
    lead.axes.map((own, i) => (i === at ? made : own)),
    lead.dims.map((own, i) => (i === axis ? made : own)),
  );
}

const sameShape = (a: readonly number[], b: readonly number[], but: number) =>
  a.every((n, i) => i === but || n === b[i]);

/** The value with one of the file's axes as one of its own, where most of it was. */
function wholeAxis(r: Reading, value: Value, axis: number): Value {
  const atoms = value.dims[axis]!;
  if (atoms.length === 0) return arrange(r, value, [...value.axes, []]);
  const first = value.axes.findIndex(own => own.some(atom => atoms.includes(atom)));
  const wanted = value.axes.map((own, i) => (i === first ? atoms : own.filter(atom => !atoms.includes(atom))));
  return arrange(
    r,
    value,
    wanted.filter((own, i) => own.length > 0 || value.axes[i]!.length === 0),
  );
}

/** A learned token before those of the image, the same for every sample. */
function classToken(r: Reading, items: readonly Item[], axis: number): Value {
  const [token, value] = items as [Item, Item];
  if (
    items.length !== 2 ||
    token.kind !== 'constant' ||
    value.kind !== 'value' ||
    value.dims.length !== 3 ||
    axis !== 1
  )
    throw r.unsupported('a concatenation with a constant other than a class token');
  const x = arrange(r, settled(r, value), value.dims.slice(1));
  const channels = lengthOf(x.dims[2]!);
  const known = perSample(r, token);
  if (sizeOf(known.dims) !== channels)
    throw r.unsupported(`a constant [${token.dims.join(', ')}] before ${showDims(dimsOf(x))}`);
  const places = axisOf(lengthOf(x.dims[1]!) + 1);
  const id = r.emit(
    'class-token',
    nameOf(r, token, 'class-token'),
    [x.id],
    {},
    {
      token: r.parameter(known, [channels], () => float32(known)),
    },
  );
  return r.made(id, [places, x.dims[2]!], [x.dims[0]!, places, x.dims[2]!]);
}

/** A parameter without a module's suffix names its node itself: `cls_token`. */
export const nameOf = (r: Reading, known: Constant, otherwise: string): string =>
  !isMadeUp(known.name) ? (layerOfWeight(known.name) ?? known.name) : `${r.layer()}.${otherwise}`;

/** A constant without the batch that a file of fixed batch repeats it for. */
export function perSample(r: Reading, known: Constant): Constant {
  const [n, ...rest] = known.dims;
  if (n === undefined || n === 1 || n !== r.fixedBatch) return known;
  const size = sizeOf(rest);
  const values = known.values();
  for (let i = size; i < values.length; i++)
    if (values[i] !== values[i - size]) throw r.unsupported('a constant that differs between samples');
  return { ...known, dims: [1, ...rest], values: () => values.slice(0, size) };
}

const expand: Handler = r => {
  const x = r.value(0);
  const dims = dimsOf(x);
  const wanted = (r.numbers(1) ?? []).map((n, i) => (n === r.fixedBatch && dims[i] === BATCH ? BATCH : n));
  const padded = [...Array<number>(Math.max(0, dims.length - wanted.length)).fill(1), ...wanted];
  if (padded.length !== dims.length || padded.some((n, i) => n !== 1 && n !== dims[i]))
    throw r.unsupported(`repeating ${showDims(dims)} to ${showDims(wanted)}`);
  return x;
};

/** The value with its dims cut to `sizes`, their order changed, and merged again. */
function rearranged(r: Reading, x: Value, sizes: readonly number[], merged: readonly (readonly number[])[]): Value {
  const cut = regroup(x, sizes);
  if (!cut) throw r.error(`cannot cut ${showDims(dimsOf(x))} to ${showDims(sizes)}`);
  return { ...cut, dims: merged.map(axes => axes.flatMap(i => cut.dims[i]!)) };
}

const depthToSpace: Handler = r => {
  const x = r.value(0);
  const n = r.number('blocksize', 0);
  const [b, c, h, w] = dimsOf(x) as [number, number, number, number];
  if (x.dims.length !== 4 || c % n ** 2 !== 0) throw r.error(`blocks of ${n} x ${n} of ${showDims(dimsOf(x))}`);
  return r.text('mode', 'DCR') === 'DCR'
    ? rearranged(r, x, [b, n, n, c / n ** 2, h, w], [[0], [3], [4, 1], [5, 2]])
    : rearranged(r, x, [b, c / n ** 2, n, n, h, w], [[0], [1], [4, 2], [5, 3]]);
};

const spaceToDepth: Handler = r => {
  const x = r.value(0);
  const n = r.number('blocksize', 0);
  const [b, c, h, w] = dimsOf(x) as [number, number, number, number];
  if (x.dims.length !== 4 || h % n || w % n) throw r.error(`blocks of ${n} x ${n} of ${showDims(dimsOf(x))}`);
  return rearranged(r, x, [b, c, h / n, n, w / n, n], [[0], [3, 5, 1], [2], [4]]);
};

const same: Handler = r => r.item(0);

const where: Handler = r => {
  const which = r.constant(0);
  const values = which ? [...r.valuesOf(which, 2 ** 16)] : [];
  if (values.length > 0 && values.every(n => n === 0)) return r.item(2);
  if (values.length > 0 && values.every(n => n !== 0)) return r.item(1);
  throw r.unsupported('a choice between values');
};

export const shape: Readonly<Record<string, Handler>> = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Slice: slice,
  Split: split,
  Gather: gather,
  Concat: concat,
  Expand: expand,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Identity: same,
  Dropout: same,
  Cast: same,
  Where: where,
};
