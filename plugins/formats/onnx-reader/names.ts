/** Whether an exporter made the name up, as `onnx::Conv_193`, `/layer1/Constant_output_0` or `val_12`. */
export const isMadeUp = (name: string): boolean =>
  name === '' ||
  /^(\/|\d+$|onnx::|val_\d|_?(const|constant|initializer)|[a-z]_\d+$|.*(_output_\d+|Constant\d*)$)/i.test(name);

/** Whether numbers beside a layer are learned: those that a module names, as the scale of a block's end. */
export const isLearned = (name: string): boolean => !isMadeUp(name) && !name.endsWith('.fixed');

/** Suffixes of a parameter in the state of a PyTorch module. */
const suffix =
  /\.(weight|bias|running_mean|running_var|gamma|beta|kernel|scale|offset|mean|variance|token|embedding|value|fixed)$/;

/** The layer that a parameter belongs to, as `layer1.0.conv1` of `layer1.0.conv1.weight`. */
export const layerOfWeight = (name: string): string | undefined =>
  !isMadeUp(name) && suffix.test(name) ? name.replace(suffix, '') : undefined;

/**
 * A node's name without the scopes that PyTorch repeats and the type it ends with: `/layer1/layer1.0/conv1/Conv` is
 * `layer1.0.conv1`.
 */
export function layerOfNode(name: string, type: string): string {
  const scopes = name.split('/').filter(Boolean);
  if (scopes.length > 1 && new RegExp(`^${type}(_\\d+)?$`).test(scopes[scopes.length - 1]!)) {
    const last = scopes.pop()!;
    if (last !== type) scopes.push(last.slice(type.length + 1));
  }
  const path: string[] = [];
  for (const scope of scopes) {
    const last = path.length - 1;
    if (last >= 0 && scope.startsWith(`${path[last]}.`)) path[last] = scope;
    else path.push(scope);
  }
  return path.join('.') || type;
}
