import type { Formatter } from './mime.ts';

/** What is needed of a tensor of TensorFlow.js. */
interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly isDisposed: boolean;
  toString(verbose: boolean): string;
}

/** What is needed of a network. */
interface Network {
  readonly name: string;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly nodes: readonly { readonly op: string }[];
  readonly parameters: ReadonlyMap<string, { readonly size: number }>;
}

const isTensor = (value: unknown): value is Tensor => {
  const { shape, dtype, dataSync } = value as { shape?: unknown; dtype?: unknown; dataSync?: unknown };
  return Array.isArray(shape) && typeof dtype === 'string' && typeof dataSync === 'function';
};

const isNetwork = (value: unknown): value is Network => {
  const { name, inputs, nodes, outputs, parameters } = value as Readonly<Record<string, unknown>>;
  return [inputs, nodes, outputs].every(Boolean) && Array.isArray(nodes) && parameters instanceof Map && !!name;
};

/** Type, shape and a few values, as TensorFlow.js prints them. */
const tensorText = (tensor: Tensor): string => {
  const { shape, dtype, isDisposed } = tensor;
  return isDisposed ? `disposed tensor, ${dtype} [${shape.join(', ')}]` : tensor.toString(true);
};

/** A network in two lines: what it reads, and its layers by how often there is one. */
function networkText({ name, inputs, nodes, parameters }: Network): string {
  const ops = new Map<string, number>();
  for (const { op } of nodes) ops.set(op, (ops.get(op) ?? 0) + 1);
  const layers = [...ops].sort((a, b) => b[1] - a[1]).map(([op, count]) => `${count} ${op}`);
  const shapes = Object.entries(inputs).map(([id, shape]) => `${id} ${shape.join(' x ')}`);
  const size = [...parameters.values()].reduce((sum, parameter) => sum + parameter.size, 0);
  return `${name}: ${shapes.join(', ')}; ${size.toLocaleString('en-US')} values in ${parameters.size} parameters
${nodes.length} nodes: ${layers.join(', ')}`;
}

/** Values whose insides tell nothing. */
export const valueFormatters: readonly Formatter[] = [
  { name: 'tensor', test: isTensor, format: value => ({ 'text/plain': tensorText(value as Tensor) }) },
  { name: 'network', test: isNetwork, format: value => ({ 'text/plain': networkText(value as Network) }) },
];
