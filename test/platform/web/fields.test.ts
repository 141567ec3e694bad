import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import { protocolSchema } from '../../../kernel/bench/protocol.ts';
import { protocols } from '../../../kernel/bench/protocols.ts';
import { fieldsOf, jsonSchema, kindsOf, textOf, type JsonSchema } from '../../../kernel/text/schema.ts';
import { at, none, problemOf, read, readNumbers, some, unlessNull } from '../../../plugins/platform/web/fields.ts';
import { catalogueInfo } from './material.ts';

const protocol = jsonSchema(protocolSchema);
const quick = protocolSchema.parse(protocols.quick);

describe('fields of the page', () => {
  it('come to what they started with where nothing was typed', () => {
    for (const input of Object.values(protocols)) {
      const start = protocolSchema.parse(input);
      assert.deepEqual(read(protocol, start, {}), [start, []]);
    }
  });

  it('come to nothing where nothing was typed and nothing was there', () => {
    for (const { options } of [...catalogueInfo.models, ...catalogueInfo.datasets, ...catalogueInfo.criteria])
      assert.deepEqual(read(options, undefined, {}), [undefined, []]);
  });

  it('take what was typed in the place of its path', () => {
    const [value, problems] = read(protocol, quick, {
      'base.epochs': '12',
      'finetune.optimizer.learningRate': '5e-3',
      'latency.batches': '1, 8',
      count: 'compatible',
    });
    assert.deepEqual(problems, []);
    const expected = structuredClone(quick);
    expected.base!.epochs = 12;
    expected.finetune!.optimizer.learningRate = 5e-3;
    expected.latency.batches = [1, 8];
    expected.count = 'compatible';
    assert.deepEqual(value, expected);
    assert.equal(quick.base!.epochs, 8, 'what it started with is not changed');
  });

  it('forget the fields of a kind when another is chosen', () => {
    const [value] = read(protocol, quick, { 'base.optimizer.kind': 'adamw', 'base.optimizer.weightDecay': '0.1' });
    assert.deepEqual(at(at(value, 'base'), 'optimizer'), { kind: 'adamw', weightDecay: 0.1 });
    assert.equal(protocolSchema.safeParse(value).success, true);
  });

  it('start with no weight decay under a regularizer, of whatever optimizer', () => {
    const shown = (stage: JsonSchema) =>
      kindsOf(stage.properties!['optimizer']!).map(([kind, { properties }]) => [
        kind,
        properties!['weightDecay']!.default,
      ]);
    const { sparsify, base } = protocol.properties!;
    assert.deepEqual(shown(sparsify!), [
      ['sgd', 0],
      ['adamw', 0],
    ]);
    assert.deepEqual(shown(unlessNull(base!)!), [
      ['sgd', 5e-4],
      ['adamw', 0.01],
    ]);
  });

  it('leave a training out, or add one that was not there', () => {
    const [without] = read(protocol, quick, { base: none, 'base.epochs': '3' });
    assert.equal(at(without, 'base'), null);
    const given = protocolSchema.parse(protocols['paper-imagenet']);
    assert.equal(given.base, null);
    const [added] = read(protocol, given, { base: some, 'base.epochs': '3' });
    assert.deepEqual(at(added, 'base'), { epochs: 3 });
  });

  it('say what does not fit, and where', () => {
    const [, problems] = read(protocol, quick, {
      'base.epochs': '2.5',
      'sparsify.batch': '0',
      'finetune.optimizer.momentum': '1',
      'finetune.epochs': '',
      steps: 'many',
    });
    assert.deepEqual(problems, [
      { path: 'base.epochs', message: '2.5 is not a whole number' },
      { path: 'sparsify.batch', message: '0 is not more than 0' },
      { path: 'finetune.epochs', message: 'a value is needed' },
      { path: 'finetune.optimizer.momentum', message: '1 is not less than 1' },
      { path: 'steps', message: 'many is not a number' },
    ]);
  });

  it('take a number where the schema it was made from does', () => {
    const schema = z.strictObject({
      a: z.int().min(2).max(9),
      b: z.number().gt(0).lt(1),
      c: z.int().multipleOf(4),
      d: z.enum(['x', 'y']),
      e: z.boolean(),
    });
    const fields = fieldsOf(jsonSchema(schema));
    const value = fc.oneof(
      fc.integer({ min: -1, max: 12 }),
      fc.double({ min: -2, max: 3, noNaN: true }),
      fc.constant('x'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.oneof(value, fc.boolean()), ({ key, schema: own }, given) => {
        const taken = schema.shape[key as keyof typeof schema.shape].safeParse(given).success;
        assert.equal(problemOf(own as JsonSchema, given) === undefined, taken, `${key}: ${textOf(given)}`);
      }),
    );
  });

  it('read several numbers, each once', () => {
    const item = { type: 'number', minimum: 1 };
    assert.deepEqual(readNumbers('2, 4x 8;4', item, 'speedups'), [[2, 4, 8], []]);
    assert.deepEqual(readNumbers('', item, 'speedups'), [[], [{ path: 'speedups', message: 'a value is needed' }]]);
    assert.deepEqual(readNumbers('2, 0.5', item, 's')[1], [{ path: 's', message: '0.5 is less than 1' }]);
  });
});
