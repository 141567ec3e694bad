import assert from 'node:assert/strict';
import { importStatements, type Binding } from '../../../kernel/jupyter/cell-module.ts';

describe('imports of a cell', () => {
  const scope = new Map<string, Binding>([
    ['pb', { module: 'pruningbench', name: '*', kind: 'import' }],
    ['prune', { module: 'pruningbench', name: 'prune', kind: 'import' }],
    ['Plan', { module: 'pruningbench', name: 'Plan', kind: 'type' }],
    ['n', { module: './__cell_1', name: 'n', kind: 'let' }],
    ['readFile', { module: 'fs', name: 'default', kind: 'import' }],
  ]);
  const sources = new Set(['pruningbench', '* pruningbench', './__cell_1', './__cell_2', 'fs']);
  const modules = (text: string) => [...text.matchAll(/ from ("[^"]+")/g)].map(match => match[1]);

  it('are from the same modules in the same order, whatever it uses', () => {
    const none = importStatements(scope, sources, []);
    for (const names of [['n'], ['prune', 'Plan'], ['readFile', 'pb'], [...scope.keys()], ['unknown']])
      for (const declared of [new Set<string>(), new Set(['n'])])
        assert.deepEqual(modules(importStatements(scope, sources, names, declared)), modules(none));
    assert.equal(modules(none).length, sources.size);
  });

  it('are what it uses', () => {
    const text = importStatements(scope, sources, scope.keys(), new Set(['n']));
    for (const part of [
      'import { prune, type Plan } from "pruningbench";',
      'import * as pb from "pruningbench";',
      'import { n as __imported_n } from "./__cell_1";',
      'import type {} from "./__cell_2";',
      'import { default as readFile } from "fs";',
      'declare let n: typeof __imported_n;',
    ])
      assert.ok(text.includes(part), part);
  });
});
