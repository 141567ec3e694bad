import type { OpName } from '../../../../kernel/graph/ops/index.ts';
import { arrange, constantNode, settled, withLast } from '../arrange.ts';
import { strided, stridesOf } from '../../../../kernel/strided.ts';
import { sizeOf, type Constant } from '../constant.ts';
import { isSame, show, type Form, type Item } from '../form.ts';
import type { Handler } from '../handler.ts';
import { isLearned, isMadeUp } from '../names.ts';
import { float32, type Reading } from '../reading.ts';
import { dimsOf, lengthOf, sameAxes, shapeOf, showDims, unify, type Axis, type Value } from '../value.ts';
import { attend, scores, weights } from './attention.ts';
import { dense, layerNorm, poolAll } from './nn.ts';
import { nameOf, perSample } from './shape.ts';

/** A function of each number, without parameters. */
export function unary(r: Reading, op: OpName, value: Value): Value {
  const x = settled(r, value);
  return { ...x, id: r.emit(op, r.layer(), [x.id]) };
}

const activation =
  (op: OpName): Handler =>
  r =>
    unary(r, op, r.value(0));

const clip: Handler = r => {
  const low = r.numbers(1)?.[0] ?? r.number('min', -Infinity);
  const high = r.numbers(2)?.[0] ?? r.number('max', Infinity);
  if (low === 0 && high === 6) return unary(r, 'relu6', r.value(0));
  if (low === 0 && high > 1e38) return unary(r, 'relu', r.value(0));
  throw r.unsupported(`limits ${low} and ${high}`);
};

const gelu: Handler = r => {
  if (r.text('approximate', 'none') !== 'none') throw r.unsupported(`the approximation ${r.text('approximate', '')}`);
  return unary(r, 'gelu', r.value(0));
};

const scalarOf = (item: Item): number | undefined =>
  item.kind === 'constant' && sizeOf(item.dims) === 1 ? item.values()[0] : undefined;

const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * Math.abs(b);

// --- products and quotients ------------------------------------------------------------------------------------------

const multiply: Handler = r =>
  product(r, r.item(0), r.item(1)) ?? product(r, r.item(1), r.item(0)) ?? between(r, 'multiply');

/** A product that is a part of something larger, or by one number. */
function product(r: Reading, a: Item, b: Item): Item | undefined {
  const factor = scalarOf(b);
  if (factor !== undefined && a.kind !== 'constant') return times(r, a, factor);
  if (a.kind === 'form' && b.kind === 'constant' && a.what === 'normal' && !a.scale) return { ...a, scale: b };
  if (a.kind === 'value' && b.kind === 'constant') return broadcast(r, 'multiply', a, b);
  if (a.kind === 'form' && b.kind === 'form') {
    if (a.what === 'centred' && a === b) return { ...a, what: 'squared' };
    if (a.what === 'centred' && b.what === 'inverse deviation' && isSame(a.x, b.x)) return { ...b, what: 'normal' };
    return undefined;
  }
  if (a.kind !== 'value' || b.kind === 'constant') return undefined;
  if (b.kind === 'form') {
    if (b.what !== 'erf + 1' || !isSame(a, b.x)) return undefined;
    // x (1 + erf(x / sqrt 2)) is twice the GELU of x.
    const whole = unary(r, 'gelu', { ...b.x, factor: 1 });
    return { ...whole, factor: 2 * a.factor * b.factor };
  }
  const gate = r.producer(b.id);
  if (gate?.op === 'sigmoid' && gate.inputs[0] === a.id && a.factor === 1 && isSame({ ...b, id: a.id }, a)) {
    if (r.node.inputs.every(name => r.items.get(name) !== b || r.uses(name) === 1)) r.discard(gate);
    return unary(r, 'silu', a);
  }
  return undefined;
}

function times(r: Reading, item: Value | Form, factor: number): Item {
  if (!Number.isFinite(factor) || factor === 0) throw r.unsupported(`a factor of ${factor}`);
  if (item.kind === 'value') return { ...item, factor: item.factor * factor };
  if (item.what === 'scores') return { ...item, scale: item.scale * factor };
  return { ...item, factor: item.factor * factor };
}

const divide: Handler = r => {
  const [a, b] = [r.item(0), r.item(1)];
  const divisor = scalarOf(b);
  if (divisor !== undefined && a.kind !== 'constant') return times(r, a, 1 / divisor);
  if (b.kind === 'form' && b.what === 'deviation') {
    if (scalarOf(a) === 1) return { ...b, what: 'inverse deviation' };
    if (a.kind === 'form' && a.what === 'centred' && isSame(a.x, b.x)) return { ...b, what: 'normal' };
  }
  if (a.kind === 'value' && b.kind === 'constant')
    return broadcast(r, 'multiply', a, { ...b, values: () => float32(b).map(x => 1 / x) });
  return between(r, 'divide');
};

const reciprocal: Handler = r => {
  const x = r.item(0);
  if (x.kind === 'form' && x.what === 'deviation') return { ...x, what: 'inverse deviation' };
  throw r.unsupported(`the reciprocal of ${show(x)}`);
};

const negate: Handler = r => times(r, r.value(0), -1);

// --- sums and differences --------------------------------------------------------------------------------------------

const add: Handler = r => sum(r, r.item(0), r.item(1)) ?? sum(r, r.item(1), r.item(0)) ?? between(r, 'add');

function sum(r: Reading, a: Item, b: Item): Item | undefined {
  if (b.kind !== 'constant') return undefined;
  const term = scalarOf(b);
  if (a.kind === 'form') {
    if (a.what === 'variance' && term !== undefined) return { ...a, what: 'padded variance', epsilon: term };
    if (a.what === 'erf' && term === 1 && a.factor === 1) return { ...a, what: 'erf + 1' };
    if (a.what === 'normal') return layerNorm(r, a.x, a.axis, a.epsilon, a.scale, b);
    return undefined;
  }
  if (term === 0) return a;
  if (a.kind === 'value') return biased(r, a, b) ?? embedded(r, a, b) ?? broadcast(r, 'add', a, b);
  return undefined;
}

/** The bias of a dense layer, which exporters write as a sum of its own. */
function biased(r: Reading, x: Value, bias: Constant): Value | undefined {
  const node = r.producer(x.id);
  const position = r.node.inputs.findIndex(name => r.items.get(name) === x);
  if (node?.op !== 'dense' || node.parameters.bias || x.factor !== 1 || r.uses(r.node.inputs[position]!) > 1)
    return undefined;
  const last = x.axes[x.axes.length - 1]!;
  const axis = x.dims.findIndex(own => sameAxes([own], [last]));
  const rank = bias.dims.length;
  if (sizeOf(bias.dims) !== lengthOf(last) || axis < 0 || bias.dims[rank - x.dims.length + axis] !== lengthOf(last))
    return undefined;
  const kernel = r.takeBack(node);
  const layer = isMadeUp(bias.name) ? node.id : r.layer(bias);
  const id = r.emit('dense', layer, node.inputs, {}, { kernel, bias: r.parameter(bias, [lengthOf(last)]) });
  return { ...x, id };
}

/** A vector for each token. */
function embedded(r: Reading, value: Value, known: Constant): Value | undefined {
  if (!sameAxes(value.axes.slice(-1), value.dims.slice(2))) return undefined;
  if (value.dims.length !== 3 || known.dims.length < 2 || known.dims.length > 3) return undefined;
  const one = perSample(r, known);
  const [, tokens, channels] = dimsOf(value) as [number, number, number];
  if (
    one.dims.at(-2) !== tokens ||
    one.dims.at(-1) !== channels ||
    sizeOf(one.dims) !== tokens * channels ||
    tokens === 1
  )
    return undefined;
  // Numbers that belong to no module, such as the anchors of a detector, are no embedding.
  if (isMadeUp(known.name)) return undefined;
  const x = arrange(r, settled(r, value), value.dims.slice(1));
  const source = r.parameter(one, [tokens, channels]);
  return { ...x, id: r.emit('position-embedding', nameOf(r, known, 'embedding'), [x.id], {}, { embedding: source }) };
}

const subtract: Handler = r => {
  const [a, b] = [r.item(0), r.item(1)];
  if (a.kind === 'value' && b.kind === 'form' && b.what === 'mean' && isSame(a, b.x)) return { ...b, what: 'centred' };
  if (a.kind === 'value' && b.kind === 'constant') {
    if (scalarOf(b) === 0) return a;
    return broadcast(r, 'add', a, { ...b, name: '', values: () => float32(b).map(x => -x) });
  }
  if (a.kind === 'constant' && b.kind === 'value') return sum(r, { ...b, factor: -b.factor }, a)!;
  return between(r, 'subtract');
};

// --- parts of norms --------------------------------------------------------------------------------------------------

const power: Handler = r => {
  const [x, exponent] = [r.item(0), scalarOf(r.item(1))];
  if (x.kind === 'form' && x.what === 'centred' && exponent === 2) return { ...x, what: 'squared' };
  if (x.kind === 'form' && x.what === 'padded variance' && exponent === 0.5) return { ...x, what: 'deviation' };
  if (x.kind === 'form' && x.what === 'padded variance' && exponent === -0.5)
    return { ...x, what: 'inverse deviation' };
  throw r.unsupported(`${show(x)} to the power ${exponent ?? show(r.item(1))}`);
};

const root: Handler = r => {
  const x = r.item(0);
  if (x.kind === 'form' && x.what === 'padded variance') return { ...x, what: 'deviation' };
  throw r.unsupported(`the root of ${show(x)}`);
};

const erf: Handler = r => {
  const x = r.value(0);
  if (!isNear(x.factor, Math.SQRT1_2)) throw r.unsupported('the error function outside of a GELU');
  return { kind: 'form', what: 'erf', x: { ...x, factor: 1 }, factor: 1 };
};

const reduceMean: Handler = r => {
  const x = r.item(0);
  const dims = x.kind === 'value' ? x.dims : x.kind === 'form' && 'x' in x ? x.x.dims : [];
  const list = (r.numbers(1, 'axes') ?? []).map(axis => r.axis(axis, dims.length));
  const keep = r.number('keepdims', 1) !== 0;
  if (x.kind === 'form' && x.what === 'squared' && list.length === 1 && list[0] === x.axis && keep)
    return { ...x, what: 'variance' };
  if (x.kind !== 'value') throw r.unsupported(`the mean of ${show(x)}`);
  const axes = list.length ? list : [...x.dims.keys()];
  const isChannels = axes.length === 1 && sameAxes([x.dims[axes[0]!]!], x.axes.slice(-1));
  if (isChannels && keep && x.axes.length > 1) return { kind: 'form', what: 'mean', x, axis: axes[0]!, factor: 1 };
  return poolAll(r, x, new Set(axes), keep);
};

// --- operands that lie over each other -------------------------------------------------------------------------------

type Binary = 'add' | 'multiply' | 'subtract' | 'divide';

/** Two values, element by element. */
function between(r: Reading, op: Binary): Value {
  const [a, b] = [r.item(0), r.item(1)];
  if (a.kind !== 'value' || b.kind !== 'value') throw r.unsupported(`${op} of ${show(a)} and ${show(b)}`);
  const both = unify(settled(r, a), settled(r, b));
  if (!both) throw r.error(`shapes ${showDims(dimsOf(a))} and ${showDims(dimsOf(b))} do not fit`);
  let [x, y] = both;
  const swapped = x.axes.flat().length < y.axes.flat().length;
  const wide = swapped ? y : x;
  const narrow = swapped ? x : y;
  const atoms = wide.axes.flat();
  if (narrow.axes.flat().some(atom => !atoms.includes(atom)))
    throw r.unsupported(
      `${op} of ${showDims(dimsOf(a))} and ${showDims(dimsOf(b))}, which both have axes that the other has not`,
    );
  const present = new Set(narrow.axes.flat());
  const layout = wide.axes.map(own => own.filter(atom => present.has(atom)));
  const isPartial = layout.some((own, i) => own.length > 0 && own.length < wide.axes[i]!.length);
  const base = isPartial
    ? arrange(
        r,
        wide,
        wide.dims.slice(1).filter(own => own.length > 0),
      )
    : wide;
  const wanted = base.axes.map(own => own.filter(atom => present.has(atom)));
  // A vector may stand beside an image as it is.
  const isVector = narrow.axes.length === 1 && base.axes.length === 3 && sameAxes(wanted, [[], [], narrow.axes[0]!]);
  const other = isVector ? narrow : arrange(r, narrow, wanted);
  [x, y] = swapped ? [other, base] : [base, other];
  const dims = wide.dims.map((own, i) => (own.length ? own : narrow.dims[i]!));
  return r.made(r.emit(op, r.layer(), [x.id, y.id]), base.axes, dims);
}

/** A value and fixed numbers, laid out as the graph has the value. */
function broadcast(r: Reading, op: 'add' | 'multiply', value: Value, known: Constant): Value {
  const x = settled(r, value);
  const one = perSample(r, known);
  const { shape, values } = spread(r, x, one);
  const isVector = x.axes.length === 3 && shape[0] === 1 && shape[1] === 1;
  const own = isVector ? shape.slice(2) : shape;
  const trainable = isLearned(known.name) && sizeOf(own) > 1;
  const name = nameOf(r, known, 'constant');
  const constant = constantNode(r, values, own, { name, trainable });
  return { ...x, id: r.emit(op, r.layer(), [x.id, constant]) };
}

/** Numbers in the layout of a value of the graph, 1 where they do not vary. */
function spread(r: Reading, x: Value, known: Constant): { shape: number[]; values: Float32Array } {
  const misfit = () => r.error(`shapes ${showDims(dimsOf(x))} and [${known.dims.join(', ')}] do not fit`);
  const lead = x.dims.length - known.dims.length;
  if (lead < 0) throw misfit();
  const strides = stridesOf(known.dims);
  const steps = new Map<unknown, number>();
  known.dims.forEach((n, i) => {
    const axis = x.dims[lead + i]!;
    if (n === 1) return;
    if (n !== lengthOf(axis))
      throw axis.length ? misfit() : r.unsupported(`repeating ${showDims(dimsOf(x))} along axis ${lead + i}`);
    let step = strides[i]!;
    for (const atom of [...axis].reverse()) {
      steps.set(atom, step);
      step *= atom.size;
    }
  });
  const varies = (axis: Axis) => axis.some(atom => steps.has(atom));
  const atoms = x.axes.flatMap(axis => (varies(axis) ? axis : []));
  const sizes = atoms.map(({ size }) => size);
  r.spend(sizeOf(sizes));
  const values = strided(
    float32(known),
    sizes,
    atoms.map(atom => steps.get(atom) ?? 0),
  );
  return { shape: shapeOf(x.axes.map(axis => (varies(axis) ? axis : []))), values };
}

// --- products of matrices --------------------------------------------------------------------------------------------

const matMul: Handler = r => {
  const [a, b] = [r.item(0), r.item(1)];
  if (a.kind === 'form' && a.what === 'weights' && b.kind === 'value') return attend(r, a, b);
  if (a.kind === 'value' && b.kind === 'constant' && b.dims.length === 2)
    return dense(r, a, a.dims.length - 1, r.parameter(b), r.layer(b));
  if (a.kind === 'value' && b.kind === 'value') return scores(r, a, b);
  throw r.unsupported(`a product of ${show(a)} and ${show(b)}`);
};

const softmax: Handler = r => {
  const x = r.item(0);
  const rank = x.kind === 'value' || (x.kind === 'form' && x.what === 'scores') ? x.dims.length : 0;
  const axis = r.axis(r.number('axis', r.opset < 13 ? 1 : -1), rank);
  if (x.kind === 'form') return weights(r, x, axis);
  if (
    r.opset < 13 &&
    x.kind === 'value' &&
    dimsOf(x)
      .slice(axis + 1)
      .some(n => n > 1)
  )
    throw r.unsupported('a softmax over several axes');
  const y = withLast(r, r.value(0), axis);
  return { ...y, id: r.emit('softmax', r.layer(), [y.id]) };
};

/** Exporters ask whether a softmax gave no number, which ours never does. */
const isNaNOf: Handler = r => {
  const x = r.item(0);
  if (x.kind !== 'form' || x.what !== 'weights') throw r.unsupported(`asking it of ${show(x)}`);
  return { kind: 'constant', name: '', type: 'bool', dims: [], values: () => Float64Array.of(0) };
};

export const math: Readonly<Record<string, Handler>> = {
  Relu: activation('relu'),
  Sigmoid: activation('sigmoid'),
  Clip: clip,
  Gelu: gelu,
  Erf: erf,
  Softmax: softmax,
  IsNaN: isNaNOf,
  Add: add,
  Sub: subtract,
  Mul: multiply,
  Div: divide,
  Neg: negate,
  Reciprocal: reciprocal,
  Pow: power,
  Sqrt: root,
  ReduceMean: reduceMean,
  MatMul: matMul,
};
