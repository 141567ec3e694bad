import { nextMark, type Node, type Value } from './value.ts';

/** What is pending for some requested values: nodes in topological order, leaves, and a key of the exact structure. */
export interface Trace {
  readonly nodes: readonly Node[];
  readonly leaves: readonly Value[];
  readonly outputs: readonly Value[];
  /** Equal for graphs that one compiled session can run, whatever their uniform leaves hold. */
  readonly key: string;
}

/** Walks back from the requested values. */
export function trace(outputs: readonly Value[]): Trace {
  const mark = nextMark();
  const nodes: Node[] = [];
  const leaves: Value[] = [];
  const parts: string[] = [];
  let ids = 0;

  const leaf = (value: Value) => {
    if (value.mark === mark) return;
    value.mark = mark;
    value.id = ids++;
    leaves.push(value);
    parts.push(`${value.layout.id} ${value.dtype} ${value.shape.join()}`);
  };
  const close = (node: Node) => {
    node.mark = mark;
    let part = node.key;
    for (const input of node.inputs) part += `,${input.id}`;
    for (const output of node.outputs) {
      output.mark = mark;
      output.id = ids++;
      part += `:${output.dtype[0]}${output.shape.join()}`;
    }
    nodes.push(node);
    parts.push(part);
  };

  for (const output of outputs) {
    if (!output.node) {
      leaf(output);
      continue;
    }
    const stack = [output.node];
    while (stack.length > 0) {
      const node = stack[stack.length - 1]!;
      if (node.mark === mark) {
        stack.pop();
        continue;
      }
      let ready = true;
      for (const input of node.inputs) {
        if (input.mark === mark) continue;
        if (!input.node) leaf(input);
        else if (input.node.mark !== mark) {
          stack.push(input.node);
          ready = false;
        }
      }
      if (!ready) continue;
      stack.pop();
      close(node);
    }
  }
  parts.push(outputs.map(output => output.id).join());
  return { nodes, leaves, outputs, key: parts.join(';') };
}
