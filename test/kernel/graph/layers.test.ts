import assert from 'node:assert/strict';
import { smallGraphs } from '../../../kernel/contract/small-graphs.ts';
import { count } from '../../../kernel/graph/count.ts';
import { layersOf } from '../../../kernel/graph/layers.ts';

describe('layers of a graph', () => {
  it('are those with a kernel, with the sizes that they have', () => {
    const layers = layersOf(smallGraphs.residual());
    assert.deepEqual(
      layers.map(({ id }) => id),
      ['stem', 'inner', 'outer', 'head'],
    );
    assert.deepEqual(layers[2], {
      id: 'outer',
      op: 'conv',
      kernel: 'outer.kernel',
      shape: [1, 1, 4, 6],
      channels: 6,
      params: 4 * 6 + 6,
      macs: 6 * 6 * 4 * 6,
    });
  });

  it('do all multiply-adds of a network without attention', () => {
    for (const make of Object.values(smallGraphs))
      assert.equal(
        layersOf(make()).reduce((sum, { macs }) => sum + macs, 0),
        count(make()).macs,
      );
  });
});
