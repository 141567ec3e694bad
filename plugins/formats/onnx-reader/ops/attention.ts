import { arrange, settled } from '../arrange.ts';
import type { Form, Item } from '../form.ts';
import type { Reading } from '../reading.ts';
import { batch, dimsOf, lengthOf, showDims, type Axis, type Value } from '../value.ts';

type Scores = Extract<Form, { what: 'scores' | 'weights' }>;

/** Heads of `[batch, heads, tokens, size]`, also where batch and heads are one axis. */
const headsOf = (dims: readonly Axis[]): Axis =>
  dims
    .slice(0, -2)
    .flat()
    .filter(atom => atom !== batch);

/** Queries times transposed keys. */
export function scores(r: Reading, q: Value, k: Value): Form {
  const refuse = () =>
    r.unsupported(`a product of ${showDims(dimsOf(q))} and ${showDims(dimsOf(k))}, which is no attention over tokens,`);
  const rank = q.dims.length;
  if (rank < 3 || k.dims.length !== rank) throw refuse();
  const fits =
    lengthOf(q.dims[rank - 1]!) === lengthOf(k.dims[rank - 2]!) &&
    lengthOf(headsOf(q.dims)) === lengthOf(headsOf(k.dims));
  const channels = (x: Value, axis: number) => [...headsOf(x.dims), ...x.dims[axis]!];
  const isChannels = (x: Value, axis: number) =>
    channels(x, axis).every(atom => x.axes[x.axes.length - 1]!.includes(atom));
  if (!fits || !isChannels(q, rank - 1) || !isChannels(k, rank - 2)) throw refuse();
  const dims = [...q.dims.slice(0, -1), k.dims[rank - 1]!];
  return { kind: 'form', what: 'scores', q, k, scale: 1, dims, factor: 1 };
}

export function weights(r: Reading, form: Form, axis: number): Item {
  if (form.what !== 'scores' || axis !== form.dims.length - 1)
    throw r.unsupported(`a softmax of ${form.what} along axis ${axis}`);
  return { ...form, what: 'weights' };
}

/** Attention, once the values are known. */
export function attend(r: Reading, { q, k, scale, dims }: Scores, v: Value): Value {
  const rank = v.dims.length;
  const heads = headsOf(q.dims);
  const count = lengthOf(heads);
  if (
    rank !== dims.length ||
    lengthOf(headsOf(v.dims)) !== count ||
    lengthOf(v.dims[rank - 2]!) !== lengthOf(dims[rank - 1]!)
  )
    throw r.error(`weights ${showDims(dims.map(lengthOf))} and values ${showDims(dimsOf(v))} do not fit`);
  const inputs = [
    arrange(r, { ...q, factor: 1 }, [q.dims[rank - 2]!, [...heads, ...q.dims[rank - 1]!]]),
    arrange(r, { ...k, factor: 1 }, [k.dims[rank - 1]!, [...headsOf(k.dims), ...k.dims[rank - 2]!]]),
    arrange(r, settled(r, v), [v.dims[rank - 2]!, [...headsOf(v.dims), ...v.dims[rank - 1]!]]),
  ];
  // Exporters write roots of it to queries and keys; what remains of rounding would not survive a float32.
  const total = Math.fround(scale * q.factor * k.factor);
  if (!(total > 0)) throw r.unsupported(`a factor of ${total}`);
  const id = r.emit(
    'attention',
    `${r.layer()}.attention`,
    inputs.map(x => x.id),
    { heads: count, scale: total, prune: 'dimensions' },
  );
  const size = v.dims[rank - 1]!;
  const [own, tokens] = [fresh(headsOf(v.dims)), dims[rank - 2]!];
  const channels = fresh(size);
  return r.made(id, [tokens, [...own, ...channels]], [...leading(dims, own), tokens, channels]);
}

const fresh = (axis: Axis): Axis => axis.map(({ size }) => ({ size }));

/** The axes before tokens and size, with the output's own heads. */
function leading(dims: readonly Axis[], heads: Axis): Axis[] {
  let at = 0;
  return dims.slice(0, -2).map(axis => axis.map(atom => (atom === batch ? batch : heads[at++]!)));
}
