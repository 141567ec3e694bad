import { permutation, random } from '../kernel/random.ts';

/**
 * Indices, ascending, of `count` samples with all classes as alike in number as the labels allow: the first ones of
 * each class, or random ones where there is a seed. Throws where there are not so many.
 */
export function balanced(name: string, labels: Int32Array, count: number, seed?: number): Uint32Array {
  if (count > labels.length) throw new RangeError(`${name}: ${count} images wanted, there are ${labels.length}`);
  const order = seed === undefined ? labels.keys() : permutation(labels.length, random(seed, name));
  const seen = new Map<number, number>();
  const turns = Array.from(order, index => {
    const label = labels[index]!;
    const turn = seen.get(label) ?? 0;
    seen.set(label, turn + 1);
    return { index, turn };
  });
  // A stable sort: the classes take turns, each in its order.
  turns.sort((a, b) => a.turn - b.turn);
  return Uint32Array.from(turns.slice(0, count), ({ index }) => index).sort();
}
