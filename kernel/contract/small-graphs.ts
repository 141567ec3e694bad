import { Builder } from '../graph/builder.ts';
import { withParameters, type Graph } from '../graph/graph.ts';
import { Parameter } from '../graph/parameter.ts';
import { random } from '../random.ts';

function residual(): Graph {
  const b = new Builder('residual');
  const x = b.batchNorm('bn', b.conv('stem', b.input('image', [6, 6, 3]), { filters: 6, kernel: 3, padding: 1 }));
  const y = b.batchNorm('bn2', b.conv('inner', b.relu('relu', x), { filters: 4, kernel: 3, padding: 1 }));
  const sum = b.add('add', x, b.conv('outer', y, { filters: 6, kernel: 1, bias: true }));
  return b.build(b.dense('head', b.globalAveragePool('pool', sum), { units: 5 }));
}

function grouped(): Graph {
  const b = new Builder('grouped');
  const x = b.batchNorm('bn', b.conv('stem', b.input('image', [6, 6, 3]), { filters: 6, kernel: 1 }));
  const y = b.batchNorm('bn2', b.conv('grouped', x, { filters: 8, kernel: 3, padding: 1, groups: 2 }));
  const z = b.batchNorm('bn3', b.conv('depthwise', y, { filters: 8, kernel: 3, padding: 1, groups: 8 }));
  return b.build(b.dense('head', b.flatten('flatten', b.maxPool('pool', z, { kernel: 3 })), { units: 5 }));
}

function vectors(): Graph {
  const b = new Builder('vectors');
  const x = b.layerNorm('ln', b.dense('first', b.input('x', [7]), { units: 9 }));
  return b.build(b.dense('last', b.activation('gelu', 'gelu', b.dense('second', x, { units: 4 })), { units: 3 }));
}

/** A residual network, one with grouped and depthwise convolutions and a flatten, and one of dense layers. */
export const smallGraphs = { residual, grouped, vectors };

/** The graph with random values in all parameters, so that nothing agrees because it is 0 or 1. */
export function scrambled(graph: Graph, seed = 1): Graph {
  return withParameters(
    graph,
    [...graph.parameters].map(([name, { shape, trainable }]) => {
      const source = random(seed, name);
      const size = shape.reduce((a, b) => a * b, 1);
      const scale = shape.length > 1 ? Math.sqrt(2 / (size / shape[shape.length - 1]!)) : 0.3;
      const positive = name.endsWith('variance') || name.endsWith('scale');
      const values = Float32Array.from({ length: size }, () =>
        positive ? 0.5 + source.uniform() : scale * source.normal(),
      );
      return [name, new Parameter(shape, values, trainable)] as const;
    }),
  );
}

/** The graph with one value everywhere. */
export function constant(graph: Graph, value: number): Graph {
  return withParameters(
    graph,
    [...graph.parameters].map(([name, { shape, size, trainable }]) => [
      name,
      new Parameter(shape, new Float32Array(size).fill(value), trainable),
    ]),
  );
}
