import assert from 'node:assert/strict';
import { decode, toJSON } from '../../../kernel/graph/file.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { safetensors } from '../../../plugins/formats/index.ts';
import * as models from '../../../plugins/models/index.ts';

describe('pruningbench format', () => {
  it('is what decode reads', () => {
    const graph = models.resnet18.build(parseOptions(models.resnet18, { width: 0.125 }));
    const read = decode(safetensors.write(graph));
    assert.deepEqual(toJSON(read), toJSON(graph));
    for (const [name, { values }] of graph.parameters) assert.deepEqual(read.parameters.get(name)!.values, values);
  });
});
