import { sizeOf } from './constant.ts';

/** A factor of an axis; two axes that hold the same one run over the same places. Its size is at least 2. */
export interface Atom {
  readonly size: number;
}

/**
 * The batch among sizes. Sums and products of it with sizes stay exact in doubles, so that arithmetic on shapes needs
 * no symbols.
 */
export const BATCH = 2 ** 40;
export const batch: Atom = { size: BATCH };

export type Axis = readonly Atom[];

/**
 * A value of the graph as the file sees it. `axes` are those of the graph's value, without the batch and channels last;
 * `dims` are the file's, with the same atoms in any order: transposing and reshaping only rewrites them.
 */
export interface Value {
  readonly kind: 'value';
  /** Id of the graph's value. */
  readonly id: string;
  readonly axes: readonly Axis[];
  readonly dims: readonly Axis[];
  /** The file's value is this many times the graph's. */
  readonly factor: number;
}

export const lengthOf = (axis: Axis): number => axis.reduce((n, { size }) => n * size, 1);
/** Sizes of the file's axes; the batch is BATCH. */
export const dimsOf = ({ dims }: Value): number[] => dims.map(lengthOf);
/** Sizes of the graph's value. */
export const shapeOf = (axes: readonly Axis[]): number[] => axes.map(lengthOf);

/** An axis of its own; none of its atoms has size 1. */
export const axisOf = (size: number): Axis => (size === 1 ? [] : [{ size }]);

export const sameAxis = (a: Axis, b: Axis): boolean => a.length === b.length && a.every((atom, i) => atom === b[i]);
export const sameAxes = (a: readonly Axis[], b: readonly Axis[]): boolean =>
  a.length === b.length && a.every((axis, i) => sameAxis(axis, b[i]!));

export const showDims = (dims: readonly number[]): string =>
  `[${dims.map(n => (n % BATCH === 0 ? (n === BATCH ? 'batch' : `${n / BATCH} batch`) : n)).join(', ')}]`;

/** The value with an atom made of several. */
function split(value: Value, atom: Atom, parts: Axis): Value {
  const replaced = (axes: readonly Axis[]) => axes.map(axis => axis.flatMap(a => (a === atom ? parts : [a])));
  return { ...value, axes: replaced(value.axes), dims: replaced(value.dims) };
}

/** The value with its dims cut anew, row by row; undefined where the sizes do not divide. */
export function regroup(value: Value, sizes: readonly number[]): Value | undefined {
  let next = value;
  let flat = value.dims.flat();
  const groups: Axis[] = [];
  let at = 0;
  for (const size of sizes) {
    const group: Atom[] = [];
    let missing = size;
    while (missing !== 1) {
      const atom = flat[at];
      if (!atom) return undefined;
      if (missing % atom.size === 0) {
        group.push(atom);
        missing /= atom.size;
        at++;
      } else if (atom !== batch && missing < BATCH && atom.size % missing === 0) {
        const parts = [{ size: missing }, { size: atom.size / missing }];
        next = split(next, atom, parts);
        for (const known of groups) if (known.includes(atom)) return undefined;
        flat = [...flat.slice(0, at), ...parts, ...flat.slice(at + 1)];
      } else return undefined;
    }
    groups.push(group);
  }
  if (at !== flat.length) return undefined;
  return { ...next, dims: groups };
}

/**
 * Two values with the same atoms wherever their dims (aligned at the end) have the same size; undefined where they
 * cannot be laid over each other. The second one takes the atoms of the first.
 */
export function unify(a: Value, b: Value): [Value, Value] | undefined {
  let [x, y] = [a, b];
  const rank = Math.max(a.dims.length, b.dims.length);
  const lift = (value: Value): Value => ({
    ...value,
    dims: [...Array<Axis>(rank - value.dims.length).fill([]), ...value.dims],
  });
  // Atoms of its own first: the second value may be the first one with its axes in another order.
  const own = new Map(b.axes.flat().map(atom => [atom, { size: atom.size }]));
  const owned = (axes: readonly Axis[]) => axes.map(axis => axis.map(atom => own.get(atom) ?? atom));
  [x, y] = [lift(x), lift({ ...y, axes: owned(y.axes), dims: owned(y.dims) })];
  for (let i = 0; i < rank; i++) {
    if (x.dims[i]!.length === 0 || y.dims[i]!.length === 0) continue;
    for (let j = 0; j < Math.max(x.dims[i]!.length, y.dims[i]!.length); j++) {
      const [s, t] = [x.dims[i]![j], y.dims[i]![j]];
      if (!s || !t) return undefined;
      if (s.size < t.size && t.size % s.size === 0) y = split(y, t, [{ size: s.size }, { size: t.size / s.size }]);
      else if (t.size < s.size && s.size % t.size === 0) x = split(x, s, [{ size: t.size }, { size: s.size / t.size }]);
      else if (s.size !== t.size) return undefined;
      const [p, q] = [x.dims[i]![j]!, y.dims[i]![j]!];
      if (p !== q) y = split(y, q, [p]);
    }
  }
  return [x, y];
}

/** Number of values of a sample. */
export const countOf = (axes: readonly Axis[]): number => sizeOf(shapeOf(axes));
