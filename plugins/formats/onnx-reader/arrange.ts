import type { Reading } from './reading.ts';
import { constant } from './constant.ts';
import {
  batch,
  dimsOf,
  lengthOf,
  sameAxes,
  sameAxis,
  shapeOf,
  showDims,
  type Atom,
  type Axis,
  type Value,
} from './value.ts';

/** The value times its factor, if it has one: then nothing is left to be known of it. */
export function settled(r: Reading, value: Value): Value {
  if (value.factor === 1) return value;
  const factor = constantNode(
    r,
    [value.factor],
    value.axes.map(() => 1),
    { name: '' },
  );
  return { ...value, id: r.emit('multiply', `${value.id}.scaled`, [value.id, factor]), factor: 1 };
}

/** A node that gives fixed numbers, the same for every sample. */
export function constantNode(
  r: Reading,
  values: ArrayLike<number>,
  shape: readonly number[],
  { name, trainable = false }: { name: string; trainable?: boolean },
): string {
  const known = constant('float', shape, values);
  const source = { shape, values: () => known.values() as Float32Array, trainable };
  return r.emit('constant', name || `${r.layer()}.constant`, [], {}, trainable ? { value: source } : { fixed: source });
}

/**
 * The value with these axes in the graph, which hold the same atoms. Where a node of known meaning does it (tokens,
 * flatten, a gather of channels, depth to space), that one is written, since channels stay prunable through it.
 */
export function arrange(r: Reading, value: Value, wanted: readonly Axis[]): Value {
  if (sameAxes(value.axes, wanted)) return value;
  const known = r.arranged(value.id).find(({ axes, from }) => sameAxes(axes, wanted) && sameAxes(from, value.axes));
  if (known) return { ...value, id: known.id, axes: wanted };
  const next = arrangeAnew(r, value, wanted);
  r.arranged(value.id).push({ from: value.axes, axes: wanted, id: next.id });
  return next;
}

function arrangeAnew(r: Reading, value: Value, wanted: readonly Axis[]): Value {
  const cur = value.axes;
  const id = r.layer();
  const done = (made: string): Value => ({ ...value, id: made, axes: wanted });
  const flat = wanted.flat();
  if (flat.length !== cur.flat().length || cur.flat().some(atom => !flat.includes(atom)))
    throw r.error(`cannot bring ${showDims(dimsOf(value))} to [${shapeOf(wanted).join(', ')}]`);
  const isImage = cur.length === 3;
  if (isImage && wanted.length === 2 && sameAxis(wanted[0]!, [...cur[0]!, ...cur[1]!]) && sameAxis(wanted[1]!, cur[2]!))
    return done(r.emit('tokens', `${id}.tokens`, [value.id]));
  if (wanted.length === 1 && sameAxis(wanted[0]!, cur.flat()))
    return done(r.emit('flatten', `${id}.flatten`, [value.id]));
  const last = cur.length - 1;
  if (wanted.length === cur.length && sameAxes(cur.slice(0, -1), wanted.slice(0, -1))) {
    const indices = placesOf(cur[last]!, wanted[last]!);
    return done(r.emit('gather', `${id}.gather`, [value.id], { indices }));
  }
  return shuffled(r, value, wanted, id) ?? moved(r, value, wanted, id);
}

/** Where each place of an axis, its atoms in the wanted order, stands in the present one. */
export function placesOf(present: Axis, wanted: Axis): number[] {
  const stepOf = new Map<Atom, number>();
  let step = 1;
  for (const atom of [...present].reverse()) {
    stepOf.set(atom, step);
    step *= atom.size;
  }
  let places = [0];
  for (const atom of wanted)
    places = places.flatMap(place => Array.from({ length: atom.size }, (_, i) => place + i * stepOf.get(atom)!));
  return places;
}

/** Depth to space or back where that is what happens, with a gather where the channels come in another order. */
function shuffled(r: Reading, value: Value, wanted: readonly Axis[], id: string): Value | undefined {
  if (value.axes.length !== 3 || wanted.length !== 3) return undefined;
  const forth = blockOf(value.axes, wanted);
  if (forth) {
    const from = arrange(r, value, [value.axes[0]!, value.axes[1]!, forth.channels]);
    const attributes = { block: forth.block, mode: 'CRD' };
    return { ...value, axes: wanted, id: r.emit('depth-to-space', `${id}.shuffle`, [from.id], attributes) };
  }
  const back = blockOf(wanted, value.axes);
  if (!back) return undefined;
  const made = r.emit('space-to-depth', `${id}.unshuffle`, [value.id], { block: back.block, mode: 'CRD' });
  return arrange(r, { ...value, id: made, axes: [wanted[0]!, wanted[1]!, back.channels] }, wanted);
}

/**
 * Where `wide` is `deep` with two atoms of its channels moved behind height and width: the block, and the channels in
 * the order of PyTorch's PixelShuffle.
 */
function blockOf(deep: readonly Axis[], wide: readonly Axis[]): { block: number; channels: Axis } | undefined {
  const [h, w, c] = deep as [Axis, Axis, Axis];
  const [rows, columns, rest] = wide as [Axis, Axis, Axis];
  const [a, b] = [rows.slice(h.length), columns.slice(w.length)];
  if (!sameAxis(rows, [...h, ...a]) || !sameAxis(columns, [...w, ...b])) return undefined;
  const channels = [...rest, ...a, ...b];
  if (lengthOf(a) < 2 || lengthOf(b) !== lengthOf(a) || channels.some(atom => !c.includes(atom))) return undefined;
  return { block: lengthOf(a), channels };
}

/** Any other order: reshape, transpose, reshape, as far as each is needed. */
function moved(r: Reading, value: Value, wanted: readonly Axis[], id: string): Value {
  const order = wanted.flat();
  const present = value.axes.flat();
  const reshaped = (from: string, axes: readonly Axis[], to: readonly Axis[]) =>
    sameAxes(axes, to) ? from : r.emit('reshape', `${id}.reshape`, [from], { shape: shapeOf(to) });
  if (sameAxis(order, present)) return { ...value, axes: wanted, id: reshaped(value.id, value.axes, wanted) };
  // Neighbours that stay neighbours move as one axis.
  const runs: Atom[][] = [];
  for (const atom of present) {
    const run = runs[runs.length - 1];
    if (run && order.indexOf(atom) === order.indexOf(run[run.length - 1]!) + 1) run.push(atom);
    else runs.push([atom]);
  }
  const sorted = [...runs].sort((a, b) => order.indexOf(a[0]!) - order.indexOf(b[0]!));
  const first = reshaped(value.id, value.axes, runs);
  const turned = r.emit('transpose', `${id}.transpose`, [first], { order: sorted.map(run => runs.indexOf(run)) });
  return { ...value, axes: wanted, id: reshaped(turned, sorted, wanted) };
}

/** The file's axes without the batch, whatever it is merged with. */
const withoutBatch = (dims: readonly Axis[]): Axis[] => dims.map(axis => axis.filter(atom => atom !== batch));

/** The value as an image `[height, width, channels]`. */
export function image(r: Reading, value: Value): Value {
  if (value.dims.length !== 4) throw r.unsupported(`an input ${showDims(dimsOf(value))} that is no image`);
  const [b, c, h, w] = value.dims as [Axis, Axis, Axis, Axis];
  if (!sameAxis(b, [batch])) throw r.error(`its first axis of ${showDims(dimsOf(value))} is not the batch`);
  return arrange(r, settled(r, value), [h, w, c]);
}

/** The value with one of the file's axes as its last, the others as they are. */
export function withLast(r: Reading, value: Value, axis: number): Value {
  const atoms = value.dims[axis]!;
  const plain = settled(r, value);
  const { axes } = plain;
  if (sameAxis(axes[axes.length - 1] ?? [], atoms)) return plain;
  const rest = axes.map(own => own.filter(atom => !atoms.includes(atom)));
  return arrange(r, plain, [...rest.filter(own => own.length > 0), atoms]);
}

/** The value as the file has it: an image with its channels last, anything else in the file's order. */
export function asInFile(r: Reading, value: Value): Value {
  if (!sameAxis(value.dims[0] ?? [], [batch]))
    throw r.error(`${showDims(dimsOf(value))}: the first axis is not the batch`);
  const dims = withoutBatch(value.dims.slice(1));
  if (dims.length === 0) throw r.error('an output needs an axis beside the batch');
  const [c, h, w] = dims as [Axis, Axis, Axis];
  return arrange(r, settled(r, value), dims.length === 3 ? [h, w, c] : dims);
}
