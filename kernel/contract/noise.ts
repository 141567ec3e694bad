import { inputShape, type Graph } from '../graph/graph.ts';
import type { Split } from '../plugin.ts';
import { random } from '../random.ts';

/** A split of noise in the shape that a graph reads, labelled in turn. */
export function noise(graph: Graph, size: number, classes: number, seed = 7): Split<Int32Array> {
  const values = inputShape(graph).reduce((a, b) => a * b, 1);
  const source = random(seed, 'noise');
  const images = Float32Array.from({ length: size * values }, () => source.normal());
  return {
    size,
    async *batches({ batch }) {
      for (let from = 0; from < size; from += batch) {
        const count = Math.min(batch, size - from);
        yield {
          size: count,
          images: images.slice(from * values, (from + count) * values),
          targets: Int32Array.from({ length: count }, (_, i) => (from + i) % classes),
        };
      }
    },
  };
}
