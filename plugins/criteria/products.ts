import type { Calibration } from '../../kernel/plugin.ts';

/** By parameter, a function of each weight and what was found for it. */
export function products(
  { network }: Calibration,
  found: ReadonlyMap<string, Float32Array>,
  f: (weight: number, found: number) => number,
): Map<string, Float32Array> {
  const { parameters } = network.graph;
  return new Map(
    [...found].map(([name, values]) => {
      const weights = parameters.get(name)!.values;
      return [name, values.map((value, i) => f(weights[i]!, value))];
    }),
  );
}
