import { ops } from './ops/index.ts';
import { view, type Graph } from './graph.ts';
import type { Shape } from './parameter.ts';

/**
 * Verifies a graph: names are unique, every input stands before its reader, attributes have the form their op asks for,
 * parameters have the roles and shapes their op expects, nothing is left over. Throws with the node and both values.
 * Runs on every graph that is built, read or cut.
 */
export function check(graph: Graph): Graph {
  const shapes = new Map<string, Shape>();
  for (const [id, shape] of Object.entries(graph.inputs)) {
    if (shape.length === 0 || shape.some(n => !Number.isInteger(n) || n < 1))
      throw new RangeError(`input ${id}: shape [${shape.join(', ')}]`);
    shapes.set(id, shape);
  }
  const used = new Set<string>();
  for (const node of graph.nodes) {
    const at = `${node.op} ${node.id}`;
    const op = Object.hasOwn(ops, node.op) ? ops[node.op] : undefined;
    if (!op) throw new Error(`node ${node.id}: op ${node.op} is not supported`);
    if (shapes.has(node.id)) throw new Error(`${at}: there is another ${node.id} before it`);
    const [least, most] = op.arity;
    if (node.inputs.length < least || node.inputs.length > most)
      throw new Error(`${at}: ${node.inputs.length} inputs, takes ${least === most ? least : `${least} or more`}`);
    const parsed = op.attributes.safeParse(node.attributes);
    if (!parsed.success) {
      const issue = parsed.error.issues[0]!;
      throw new Error(`${at}: attribute ${issue.path.join('.') || '(all)'}: ${issue.message}`);
    }
    checkRoles(at, op.roles, node.parameters);
    for (const name of Object.values(node.parameters)) used.add(name);
    const shape = op.shape(view(graph, node, shapes));
    if (shape.some(n => !Number.isInteger(n) || n < 1))
      throw new RangeError(`${at}: output shape [${shape.join(', ')}]`);
    shapes.set(node.id, shape);
  }
  if (graph.outputs.length === 0) throw new Error(`${graph.name}: no outputs`);
  for (const id of graph.outputs)
    if (!shapes.has(id)) throw new Error(`${graph.name}: output ${id} is not in the graph`);
  for (const name of graph.parameters.keys())
    if (!used.has(name)) throw new Error(`${graph.name}: parameter ${name} belongs to no node`);
  return graph;
}

function checkRoles(at: string, roles: readonly string[], parameters: Readonly<Record<string, string>>): void {
  const known = new Set(roles.map(role => role.replace('?', '')));
  for (const role of Object.keys(parameters))
    if (!known.has(role)) throw new Error(`${at}: unknown parameter role ${role}`);
  for (const role of roles) if (!role.endsWith('?') && !(role in parameters)) throw new Error(`${at}: no ${role}`);
}
