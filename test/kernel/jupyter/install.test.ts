import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dataFolder, install } from '../../../kernel/jupyter/index.ts';

describe('kernel installation', () => {
  let folder: string;
  const saved = { ...process.env };
  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'pruningbench-test-'))));
  afterEach(() => {
    process.env = { ...saved };
    rmSync(folder, { recursive: true });
  });

  it('writes a kernelspec that holds the command', () => {
    process.env['JUPYTER_DATA_DIR'] = folder;
    const argv = ['/usr/bin/node', '/app/bin.js', 'kernel', '{connection_file}'];
    const written = install({ argv });
    assert.equal(written, path.join(folder, 'kernels', 'pruningbench'));
    const spec = JSON.parse(readFileSync(path.join(written, 'kernel.json'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual(spec['argv'], argv);
    assert.equal(spec['language'], 'typescript');
    assert.equal(spec['interrupt_mode'], 'message');
    assert.deepEqual(readdirSync(written).sort(), ['kernel.json', 'logo-svg.svg']);
  });

  it('knows the folders of a prefix and of an environment', () => {
    assert.equal(dataFolder({ prefix: folder }), path.join(folder, 'share', 'jupyter'));
    process.env['VIRTUAL_ENV'] = folder;
    assert.equal(dataFolder({ sysPrefix: true }), path.join(folder, 'share', 'jupyter'));
    delete process.env['VIRTUAL_ENV'];
    delete process.env['CONDA_PREFIX'];
    assert.throws(() => dataFolder({ sysPrefix: true }), /no virtualenv/);
    assert.throws(() => install({ argv: ['x'], prefix: folder }), /no \{connection_file\}/);
  });
});
