import assert from 'node:assert/strict';
import { z } from 'zod';
import { optionsAmong, parseOptions } from '../../kernel/options.ts';

const plugin = { kind: 'model', id: 'net', options: z.object({ width: z.number().positive().default(1) }) };
const open = { ...plugin, options: z.record(z.string(), z.unknown()) };

describe('options of a plugin', () => {
  it('are completed with their defaults', () => assert.deepEqual(parseOptions(plugin), { width: 1 }));
  it('are among others', () => {
    assert.deepEqual(optionsAmong(plugin, { width: 2, image: 32 }), { width: 2 });
    assert.deepEqual(optionsAmong(open, { width: 2, image: 32 }), { width: 2, image: 32 });
  });
  it('are those that it has, unless its schema does not say', () => {
    assert.throws(() => parseOptions(plugin, { widht: 2 }), /model net: no option widht \(did you mean width\?\)/);
    assert.throws(() => parseOptions({ ...plugin, options: z.object({}) }, { a: 1 }), /no option a \(it has none\)/);
    assert.deepEqual(parseOptions(open, { widht: 2 }), { widht: 2 });
  });
  it('are refused by name', () =>
    assert.throws(() => parseOptions(plugin, { width: -1 }), /model net: option width: Too small/));
});
