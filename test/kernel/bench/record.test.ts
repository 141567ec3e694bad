import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { protocolSchema, type ProtocolInput } from '../../../kernel/bench/protocol.ts';
import { canonical, hashOf, readRecord, readRecords, writeRecord } from '../../../kernel/bench/record.ts';
import { recordOf } from './records.ts';

describe('record', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'pruningbench-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('is read as it was written', async () => {
    const record = recordOf({ criterion: 'a', score: 0.8, latency: 5 });
    await writeRecord(folder, record);
    assert.deepEqual(await readRecord(folder, record.id), record);
    assert.deepEqual(await readRecords(folder), [record]);
  });

  it('is undefined where there is none', async () => assert.equal(await readRecord(folder, 'abc'), undefined));

  it('its id follows from the configuration, whatever the order of keys', () => {
    assert.equal(canonical({ b: [{ y: 1, x: 2 }], a: null }), '{"a":null,"b":[{"x":2,"y":1}]}');
    assert.equal(hashOf({ a: 1, b: 2 }), hashOf({ b: 2, a: 1 }));
    assert.notEqual(recordOf({ criterion: 'a', score: 1 }).id, recordOf({ criterion: 'a', score: 1, seed: 1 }).id);
  });

  it('a protocol decays no weights under a regularizer, unless its optimizer states it', () => {
    const decay = (optimizer?: NonNullable<ProtocolInput['sparsify']>['optimizer']) =>
      protocolSchema.parse({ name: 'own', sparsify: optimizer ? { optimizer } : {} }).sparsify.optimizer.weightDecay;
    assert.deepEqual([decay(), decay({ kind: 'sgd' }), decay({ kind: 'adamw', learningRate: 0.1 })], [0, 0, 0]);
    assert.equal(decay({ kind: 'adamw', weightDecay: 0.01 }), 0.01);
    const { base, finetune } = protocolSchema.parse({ name: 'own' });
    assert.deepEqual([base!.optimizer.weightDecay, finetune!.optimizer.weightDecay], [5e-4, 5e-4]);
  });

  describe('refuses', () => {
    const put = async (text: string) => {
      await mkdir(join(folder, 'records'), { recursive: true });
      await writeFile(join(folder, 'records', 'x.json'), text);
    };
    it('a folder without records', () => assert.rejects(readRecords(folder), /no records in /));
    it('a file that is not JSON', async () => {
      await put('{');
      await assert.rejects(readRecords(folder), /record x.json: not JSON/);
    });
    it('numbers as text', async () => {
      const record = recordOf({ criterion: 'a', score: 0.8 });
      await put(JSON.stringify({ ...record, base: { ...record.base, params: '1000' } }));
      await assert.rejects(readRecords(folder), /record x.json: base.params: .*number/);
    });
    it('derived numbers and other unknown fields', async () => {
      await put(JSON.stringify({ ...recordOf({ criterion: 'a', score: 0.8 }), rank: 1 }));
      await assert.rejects(readRecords(folder), /record x.json: .*rank/);
    });
    it('to write what is not a record', () =>
      assert.rejects(writeRecord(folder, { ...recordOf({ criterion: 'a', score: 0.8 }), score: 3 } as never)));
  });
});
