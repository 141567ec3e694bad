import { conv2d, foldedConv2d } from './operations/convolution.ts';
import { add, relu, step } from './operations/elementwise.ts';
import { batchNorm, trainingBatchNorm } from './operations/normalization.ts';
import { Node, type Value } from './value.ts';

/** A node to lower, and the recorded node it stands for. */
export interface Fused {
  readonly node: Node;
  readonly from: Node;
}

/**
 * Replaces groups of recorded nodes by single ones that compute the same values in fewer passes, in a new topological
 * order. The recorded nodes are left as they are.
 */
export function fuse(nodes: readonly Node[], outputs: readonly Value[]): Fused[] {
  return sorted(joinNormalizations(foldNormalizations(stepsOfOutputs(nodes), outputs), outputs), outputs);
}

const normalizing = new Set([trainingBatchNorm, foldedConv2d]);

const replaced = (node: Node, change: Partial<Pick<Node, 'operation' | 'inputs' | 'attributes' | 'outputs'>>): Node => {
  const { operation, inputs, attributes, outputs } = { ...node, ...change };
  const copy = new Node(operation, inputs, attributes, node.key, node.scope, node.place);
  copy.outputs = outputs;
  return copy;
};

/** ReLU's mask looks at the result instead of the argument, which then need not be kept. */
function stepsOfOutputs(nodes: readonly Node[]): Fused[] {
  const results = new Map<Value, Value>();
  for (const node of nodes) if (node.operation === relu) results.set(node.inputs[0]!, node.outputs[0]!);
  return nodes.map(node => {
    const result = node.operation === step && !node.attributes['alpha'] ? results.get(node.inputs[0]!) : undefined;
    return { node: result ? replaced(node, { inputs: [result] }) : node, from: node };
  });
}

/** Who makes each value, and how often it is used. */
function connections(nodes: readonly Fused[], outputs: readonly Value[]) {
  const producer = new Map<Value, Fused>();
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const fused of nodes) {
    for (const output of fused.node.outputs) producer.set(output, fused);
    for (const input of fused.node.inputs) use(input);
  }
  for (const output of outputs) use(output);
  return { producer, uses };
}

/** Normalization by given statistics becomes part of the convolution before it. */
function foldNormalizations(nodes: readonly Fused[], outputs: readonly Value[]): Fused[] {
  const { producer, uses } = connections(nodes, outputs);
  const gone = new Set<Fused>();
  const folded = nodes.map(fused => {
    const { operation, inputs, attributes } = fused.node;
    const x = inputs[0]!;
    const conv = operation === batchNorm && uses.get(x) === 1 ? producer.get(x) : undefined;
    if (conv?.node.operation !== conv2d) return fused;
    gone.add(conv);
    const node = replaced(fused.node, {
      operation: foldedConv2d,
      inputs: [...conv.node.inputs, ...inputs.slice(1)],
      attributes: { ...attributes, ...conv.node.attributes },
    });
    return { node, from: fused.from };
  });
  return folded.filter(fused => !gone.has(fused));
}

/** A normalization takes along the sum with a shortcut and the ReLU that follow it. */
function joinNormalizations(nodes: readonly Fused[], outputs: readonly Value[]): Fused[] {
  const { producer, uses } = connections(nodes, outputs);
  const sameShape = (a: Value, b: Value) => a.shape.join() === b.shape.join();
  /** The normalization whose y this is, if nothing else uses it. */
  const normalization = (y: Value): Fused | undefined => {
    const found = producer.get(y);
    if (!found || !normalizing.has(found.node.operation) || uses.get(y) !== 1) return undefined;
    return found.node.outputs[0] === y && !found.node.attributes['activation'] ? found : undefined;
  };
  /** The normalization and the other summand of a sum. */
  const summands = (sum: Fused | undefined): [Fused, Value] | undefined => {
    if (sum?.node.operation !== add || uses.get(sum.node.outputs[0]!) !== 1) return undefined;
    const [a, b] = sum.node.inputs as [Value, Value];
    if (a === b || !sameShape(a, b)) return undefined;
    const [first, second] = [normalization(a), normalization(b)];
    if (first) return [first, b];
    return second ? [second, a] : undefined;
  };

  const gone = new Set<Fused>();
  const joined = new Map<Fused, Fused>();
  for (const fused of nodes) {
    if (fused.node.operation !== relu) continue;
    const x = fused.node.inputs[0]!;
    const sum = producer.get(x);
    const pair = summands(sum);
    const found = pair?.[0] ?? normalization(x);
    if (!found || gone.has(found)) continue;
    const { node, from } = found;
    const made = replaced(node, {
      inputs: pair ? [...node.inputs, pair[1]] : node.inputs,
      attributes: { ...node.attributes, activation: 'Relu', summed: pair !== undefined },
      outputs: [fused.node.outputs[0]!, ...node.outputs.slice(1)],
    });
    gone.add(found);
    if (pair) gone.add(sum!);
    joined.set(fused, { node: made, from });
  }
  return nodes.filter(fused => !gone.has(fused)).map(fused => joined.get(fused) ?? fused);
}

/** Every node after those whose outputs it takes. */
function sorted(nodes: readonly Fused[], outputs: readonly Value[]): Fused[] {
  const producer = new Map<Value, Fused>();
  for (const fused of nodes) for (const output of fused.node.outputs) producer.set(output, fused);
  const done = new Set<Fused>();
  const order: Fused[] = [];
  for (const output of outputs) {
    const root = producer.get(output);
    const stack = root ? [root] : [];
    while (stack.length > 0) {
      const fused = stack[stack.length - 1]!;
      const missing = done.has(fused)
        ? []
        : fused.node.inputs.map(input => producer.get(input)).filter(p => p !== undefined && !done.has(p));
      if (missing.length > 0) {
        stack.push(...(missing as Fused[]));
        continue;
      }
      stack.pop();
      if (done.has(fused)) continue;
      done.add(fused);
      order.push(fused);
    }
  }
  return order;
}
