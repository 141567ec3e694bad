import fc from 'fast-check';
import { Builder, normal } from '../../../kernel/graph/builder.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { random, type Random } from '../../../kernel/random.ts';

/** Random networks of everything that couples channels: residuals, gates, splits, concats, groups, shuffles, attention. */
export const graphs: fc.Arbitrary<Graph> = fc
  .record({ seed: fc.nat(1_000_000), layers: fc.integer({ min: 2, max: 9 }) })
  .map(({ seed, layers }) => randomGraph(random(seed, 'graph'), layers));

type Grow = (b: Builder, id: string, values: string[], source: Random) => string;
const pick = (values: string[], source: Random) => values[source.integer(values.length)]!;
const conv = (b: Builder, id: string, x: string, filters: number, source: Random, groups = 1) => {
  const kernel = source.integer(2) ? 3 : 1;
  return b.conv(id, x, { filters, kernel, padding: kernel >> 1, groups, bias: source.integer(2) === 1 });
};

const growths: Grow[] = [
  (b, id, values, source) => conv(b, id, pick(values, source), 2 * (1 + source.integer(4)), source),
  (b, id, values, source) => b.batchNorm(id, pick(values, source)),
  (b, id, values, source) => b.relu(id, pick(values, source)),
  (b, id, values, source) => b.activation('sigmoid', id, pick(values, source)),
  (b, id, values, source) => b.activation('silu', id, pick(values, source)),
  (b, id, values, source) => {
    const x = pick(values, source);
    return b.conv(id, x, { filters: b.channels(x), kernel: 3, padding: 1, groups: b.channels(x) });
  },
  (b, id, values, source) => {
    const x = pick(values, source);
    const groups = b.channels(x) % 2 === 0 ? 2 : 1;
    return conv(b, id, x, groups * (1 + source.integer(3)), source, groups);
  },
  (b, id, values, source) => {
    const x = pick(values, source);
    const other = values.find(v => v !== x && b.channels(v) === b.channels(x));
    return b.add(id, x, other ?? conv(b, `${id}.match`, pick(values, source), b.channels(x), source));
  },
  (b, id, values, source) => {
    const x = pick(values, source);
    const hidden = b.relu(`${id}.relu`, b.dense(`${id}.squeeze`, b.globalAveragePool(`${id}.pool`, x), { units: 4 }));
    const gate = b.activation('sigmoid', `${id}.gate`, b.dense(`${id}.excite`, hidden, { units: b.channels(x) }));
    return b.multiply(id, x, gate);
  },
  (b, id, values, source) => b.concat(id, [pick(values, source), pick(values, source)]),
  (b, id, values, source) => {
    const x = pick(values, source);
    const size = 1 + source.integer(b.channels(x));
    return b.slice(id, x, source.integer(b.channels(x) - size + 1), size);
  },
  (b, id, values, source) => b.maxPool(id, pick(values, source), { kernel: 3, stride: 1, padding: 1 }),
  (b, id, values, source) => b.averagePool(id, pick(values, source), { kernel: 3, stride: 1, padding: 1 }),
  // Channels may all be the same one: a large epsilon keeps the norm from magnifying their rounding.
  (b, id, values, source) => b.layerNorm(id, pick(values, source), { epsilon: 0.1 }),
  (b, id, values, source) => {
    const x = pick(values, source);
    const length = 1 + source.integer(2 * b.channels(x));
    return b.gather(
      id,
      x,
      Array.from({ length }, () => source.integer(b.channels(x))),
    );
  },
  (b, id, values, source) => {
    const x = pick(values, source);
    const groups = b.channels(x) % 2 === 0 ? 2 : 1;
    const shuffled = b.channelShuffle(`${id}.shuffle`, x, groups);
    return conv(b, id, shuffled, groups * (1 + source.integer(3)), source, groups);
  },
  (b, id, values, source) => b.maxPool(id, b.upsample(`${id}.up`, pick(values, source), 2), { kernel: 2 }),
  (b, id, values, source) => {
    const x = pick(values, source);
    const deep = b.channels(x) % 4 ? conv(b, `${id}.deep`, x, 4 * (1 + source.integer(3)), source) : x;
    return b.averagePool(id, b.depthToSpace(`${id}.places`, deep, 2, mode(source)), { kernel: 2 });
  },
  (b, id, values, source) => b.upsample(id, b.spaceToDepth(`${id}.deep`, pick(values, source), 2, mode(source)), 2),
];
const mode = (source: Random) => (source.integer(2) ? 'DCR' : 'CRD');

/** An image as tokens, with attention over them, as a vector. */
function transformer(b: Builder, image: string, source: Random): string {
  let x = b.tokens('tokens', image);
  if (source.integer(2)) x = b.classToken('class', x, { initializer: normal(1) });
  if (source.integer(2)) x = b.positionEmbedding('position', x, { initializer: normal(1) });
  for (let i = 0; i < 1 + source.integer(2); i++) {
    const heads = 1 + source.integer(3);
    const channels = heads * (1 + source.integer(3));
    const [q, k, v] = projections(b, `block${i}`, x, channels, source);
    const prune = source.integer(2) ? 'heads' : 'dimensions';
    const y = b.attention(`block${i}.attention`, q, k, v, { heads, prune });
    const out = b.dense(`block${i}.proj`, y, { units: source.integer(2) ? b.channels(x) : 5 });
    x = b.channels(out) === b.channels(x) ? b.add(`block${i}.add`, x, out) : out;
    if (source.integer(2)) x = b.layerNorm(`block${i}.norm`, x, { epsilon: 0.1 });
  }
  const [tokens] = b.shape(x) as [number, number];
  const ends = [
    () => b.token('end', x, source.integer(tokens)),
    () => b.globalAveragePool('end', x),
    () => b.flatten('end', x),
  ];
  return ends[source.integer(ends.length)]!();
}

/** Queries, keys and values, from one layer or three, some through a sigmoid, which is not 0 at 0. */
function projections(b: Builder, id: string, x: string, channels: number, source: Random): [string, string, string] {
  const all = source.integer(2) ? b.dense(`${id}.qkv`, x, { units: 3 * channels }) : undefined;
  return ['q', 'k', 'v'].map((name, i) => {
    const y = all
      ? b.slice(`${id}.${name}`, all, i * channels, channels)
      : b.dense(`${id}.${name}`, x, { units: channels });
    return source.integer(6) ? y : b.activation('sigmoid', `${id}.${name}.sigmoid`, y);
  }) as [string, string, string];
}

function randomGraph(source: Random, layers: number): Graph {
  const b = new Builder('random', source.integer(1000));
  const image = b.input('image', [4, 4, 3]);
  const values = [conv(b, 'stem', image, 2 * (1 + source.integer(4)), source)];
  for (let i = 0; i < layers; i++)
    values.push(growths[source.integer(growths.length)]!(b, `layer${i}`, values, source));
  const last = values[values.length - 1]!;
  const ends = [b.flatten, b.globalAveragePool, (_id: string, x: string) => transformer(b, x, source)];
  const vector = ends[source.integer(ends.length)]!.call(b, 'vector', last);
  return b.build(b.dense('head', vector, { units: 3 }));
}
