import type { Graph } from '../../../kernel/graph/graph.ts';
import type { ReadOptions } from '../../../kernel/plugin.ts';
import { asInFile } from './arrange.ts';
import { fold } from './fold.ts';
import type { Item } from './form.ts';
import { show } from './form.ts';
import type { Handler } from './handler.ts';
import { decodeModel, isModelField, type OnnxModel, type ValueInfo } from './model.ts';
import { math } from './ops/math.ts';
import { nn } from './ops/nn.ts';
import { shape } from './ops/shape.ts';
import { Reading } from './reading.ts';
import { kindOf } from './tensor.ts';
import { axisOf, batch, type Value } from './value.ts';

/** Whether the first byte begins a ModelProto. */
export const isOnnx = ([tag]: Uint8Array): boolean => tag !== undefined && isModelField(tag >> 3, tag & 7);

const handlers: Readonly<Record<string, Handler>> = { ...nn, ...math, ...shape };

/**
 * Reads an ONNX file (operator sets 7 to 22, as PyTorch, timm and Ultralytics write them). Images become channels last;
 * the first axis of every input is the batch, whatever size it has in the file, and is free in the graph. A weight that
 * several nodes read becomes one of each, as exporters also join weights that are equal by chance. What is not supported
 * is an error that names op, node and operator set.
 */
export function readOnnx(bytes: Uint8Array, options: ReadOptions = {}): Graph {
  const model = decodeModel(bytes);
  if (model.opset < 7 || model.opset > 22) throw new RangeError(`opset ${model.opset}: 7 to 22 are read`);
  const inputs = model.inputs.filter(({ name }) => !model.initializers.has(name));
  if (inputs.length === 0) throw new Error('the model has no inputs');
  const first = inputs[0]!.dims?.[0];
  const reading = new Reading(model, bytes.length, typeof first === 'number' && first > 0 ? first : undefined);
  for (const [name, tensor] of model.initializers) reading.items.set(name, tensor);
  for (const input of inputs) readInput(reading, input, options);
  for (const node of model.nodes) readNode(reading, node);
  return reading.build(
    model.name || 'onnx',
    model.outputs.map(output => outputOf(reading, output)),
  );
}

function readInput(r: Reading, { name, type, dims }: ValueInfo, { sizes = {} }: ReadOptions): void {
  const at = `input ${name}`;
  if (kindOf(type, at) !== 'float') throw new Error(`${at}: integers are not supported`);
  if (!dims) throw new Error(`${at}: the file gives no shape`);
  if (dims.length < 2 || dims.length > 4)
    throw new Error(`${at}: [${dims.join(', ')}] is no batch of images, tokens or vectors`);
  const known = dims.slice(1).map((n, i) => {
    const size = typeof n === 'number' && n > 0 ? n : sizes[n || String(i + 1)];
    if (size === undefined)
      throw new Error(`${at}: size ${n || `of axis ${i + 1}`} is free; only that of the batch may be, give it a size`);
    if (!Number.isSafeInteger(size) || size < 1 || size > 2 ** 24) throw new RangeError(`${at}: size ${size}`);
    return size;
  });
  const axes = known.map(axisOf);
  const [c, h, w] = axes;
  const ours = axes.length === 3 ? [h!, w!, c!] : axes;
  const [channels, height, width] = known;
  r.input(name, axes.length === 3 ? [height!, width!, channels!] : known);
  r.node = { name, type: 'Input', domain: '', inputs: [], outputs: [], attributes: new Map() };
  define(r, name, r.made(name, ours, [[batch], ...axes]));
}

function define(r: Reading, name: string, item: Item): void {
  if (name === '') return;
  if (r.items.has(name)) throw r.error(`${name} is given twice`);
  r.items.set(name, item);
}

function readNode(r: Reading, node: OnnxModel['nodes'][number]): void {
  r.node = node;
  const known = node.domain === '' && Object.hasOwn(handlers, node.type) ? handlers[node.type] : undefined;
  const folded = fold(r);
  if (!folded && !known)
    throw new Error(
      `op ${node.domain ? `${node.domain}.` : ''}${node.type} (node ${node.name}, opset ${r.opset}) is not supported`,
    );
  const result = folded ?? known!(r);
  const items = Array.isArray(result) ? (result as Item[]) : [result as Item];
  node.outputs.forEach((name, i) => {
    if (i < items.length) define(r, name, items[i]!);
    else if (name !== '' && r.uses(name) > 0) throw r.unsupported(`output ${i + 1}`);
  });
}

function outputOf(r: Reading, { name }: ValueInfo): Value {
  const item = r.items.get(name);
  if (!item) throw new Error(`output ${name} is given by no node`);
  if (item.kind !== 'value')
    throw new Error(`output ${name} is ${item.kind === 'form' ? item.what : 'constant'} ${show(item)}`);
  r.node = { name, type: 'Output', domain: '', inputs: [], outputs: [], attributes: new Map() };
  return asInFile(r, item);
}
