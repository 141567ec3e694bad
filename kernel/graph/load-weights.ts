import { withParameters, shapesOf, type Graph, type Node } from './graph.ts';
import { Parameter, type Shape } from './parameter.ts';
import type { StoredTensor } from '../safetensors.ts';
import { strided } from '../strided.ts';

/** How PyTorch calls a parameter of each role; a role that is not here is the module itself, as `pos_embed`. */
const names: Readonly<Record<string, string>> = {
  kernel: 'weight',
  bias: 'bias',
  scale: 'weight',
  offset: 'bias',
  mean: 'running_mean',
  variance: 'running_var',
};

/** What a state has beyond a network for inference: counters, the fixed weights of YOLOv8's DFL, GoogLeNet's side heads. */
const ignored = /(^|\.)num_batches_tracked$|(^|\.)dfl\.conv\.weight$|^aux[12]\./;

/** Wrappers under which states are saved. */
const prefixes = ['', 'module.', 'model.'];

/**
 * A graph with the weights of a PyTorch module whose names it has, as torchvision, timm and Ultralytics give them:
 * kernels are `[out, in, height, width]` and `[out, in]` there, and a dense layer after an image reads it channels
 * first. Throws one error with all names that are missing, not expected or of another shape.
 */
export function loadWeights(graph: Graph, tensors: ReadonlyMap<string, StoredTensor>): Graph {
  const shapes = shapesOf(graph);
  const nodes = new Map(graph.nodes.map(node => [node.id, node]));
  const wanted = new Map<string, { node: Node; role: string; parameter: string }>();
  for (const node of graph.nodes)
    for (const [role, parameter] of Object.entries(node.parameters))
      wanted.set(names[role] ? `${node.id}.${names[role]}` : node.id, { node, role, parameter });
  const [first] = wanted.keys();
  const prefix = prefixes.find(own => tensors.has(own + first)) ?? '';
  const missing: string[] = [];
  const misshapen: string[] = [];
  const loaded: [string, Parameter][] = [];
  for (const [name, { node, role, parameter }] of wanted) {
    const tensor = tensors.get(prefix + name);
    const { shape, trainable } = graph.parameters.get(parameter)!;
    if (!tensor) missing.push(prefix + name);
    else if (!fits(tensor.shape, theirs(shape, role)))
      misshapen.push(`${prefix}${name} [${tensor.shape.join(', ')}] instead of [${theirs(shape, role).join(', ')}]`);
    else {
      const image = role === 'kernel' && shape.length === 2 ? flattened(node, nodes, shapes) : undefined;
      loaded.push([parameter, new Parameter(shape, () => ours(tensor.values, shape, role, image), trainable)]);
    }
  }
  const known = new Set([...wanted.keys()].map(name => prefix + name));
  const unexpected = [...tensors.keys()].filter(name => !known.has(name) && !ignored.test(name.slice(prefix.length)));
  const problems = [
    ['missing', missing],
    ['not expected', unexpected],
    ['of another shape', misshapen],
  ] as const;
  if (problems.some(([, list]) => list.length > 0))
    throw new Error(
      `weights for ${graph.name}: ` +
        problems.flatMap(([what, list]) => (list.length ? [`${list.length} ${what}: ${listed(list)}`] : [])).join('; '),
    );
  return withParameters(graph, loaded);
}

const listed = (list: readonly string[]) => list.slice(0, 12).join(', ') + (list.length > 12 ? ', ...' : '');

/** Shape of a parameter in PyTorch. */
function theirs(shape: Shape, role: string): Shape {
  if (role !== 'kernel') return shape;
  return shape.length === 4 ? [shape[3]!, shape[2]!, shape[0]!, shape[1]!] : [shape[1]!, shape[0]!];
}

/** Shapes agree but for axes of size 1: PyTorch's embeddings have a batch. */
const fits = (a: Shape, b: Shape) => a.filter(n => n !== 1).join() === b.filter(n => n !== 1).join();

/** The image that a dense layer reads as a vector. */
function flattened(
  node: Node,
  nodes: ReadonlyMap<string, Node>,
  shapes: ReadonlyMap<string, Shape>,
): Shape | undefined {
  const before = nodes.get(node.inputs[0]!);
  const shape = before?.op === 'flatten' ? shapes.get(before.inputs[0]!) : undefined;
  return shape?.length === 3 ? shape : undefined;
}

function ours(values: Float32Array, shape: Shape, role: string, image?: Shape): Float32Array {
  if (role !== 'kernel') return values;
  const filters = shape[shape.length - 1]!;
  const rows = values.length / filters;
  const [places, channels] = image ? [image[0]! * image[1]!, image[2]!] : placesOf(shape);
  // Theirs are [filters, channels, places], ours [places, channels, filters].
  return strided(values, [places, channels, filters], [1, places, rows]);
}

const placesOf = (shape: Shape): [places: number, channels: number] =>
  shape.length === 4 ? [shape[0]! * shape[1]!, shape[2]!] : [1, shape[0]!];
