import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decode } from '../../../kernel/graph/file.ts';
import { encodeSafetensors } from '../../../kernel/safetensors.ts';
import { line, temporary } from './run.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../plugins/formats/fixtures/${name}`, import.meta.url));

describe('models of other programs on the command line', () => {
  const folder = temporary();
  after(() => folder.remove());

  it('shows the groups of an ONNX file, whatever it is called', async () => {
    const { code, out, err } = await line(`groups --load ${fixture('conv-11.onnx')}`);
    assert.equal(code, 0, err);
    assert.match(out, /^stem +4 +8 *$/m);
    const renamed = folder.path('model.safetensors');
    writeFileSync(renamed, readFileSync(fixture('conv-11.onnx')));
    assert.equal((await line(`groups --load ${renamed}`)).out, out);
  });

  it('prunes an ONNX file', async () => {
    const load = `--load ${fixture('transformer-fused-dynamo-18.onnx')}`;
    const { code, err } = await line(
      `prune ${load} --criterion magnitude-l2 --speedup 1.5 --steps 20 --out ${folder.path('pruned')}`,
    );
    assert.equal(code, 0, err);
    const pruned = decode(readFileSync(folder.path('pruned', 'model.safetensors')));
    assert.ok(pruned.nodes.some(({ op }) => op === 'attention'));
  });

  it('says with the name of the file what is wrong with it', async () => {
    const { code, err } = await line(`groups --load ${fixture('windows-17.onnx')}`);
    assert.equal(code, 1);
    assert.match(err, /^error: .+windows-17.onnx: Reshape .+: mixes the batch with places/);
    assert.match(
      (await line(`groups --load ${fixture('conv-11.onnx')} --sizes height`)).err,
      /--sizes: height is no name=size/,
    );
  });

  it('begins with weights from PyTorch', async () => {
    const shapes: Record<string, number[]> = {
      'a.weight': [8, 3, 3, 3],
      'b.weight': [8, 8, 3, 3],
      'head.weight': [10, 8],
      'head.bias': [10],
    };
    for (const norm of ['bn', 'bn2'])
      for (const name of ['weight', 'bias', 'running_mean', 'running_var']) shapes[`${norm}.${name}`] = [8];
    const tensors = Object.entries(shapes).map(([name, shape]) => {
      const size = shape.reduce((x, y) => x * y, 1);
      return [name, { shape, values: new Float32Array(size).fill(0.5) }] as const;
    });
    const [file, less] = [folder.path('weights.safetensors'), folder.path('less.safetensors')];
    writeFileSync(file, encodeSafetensors(tensors));
    writeFileSync(less, encodeSafetensors(tensors.slice(1)));
    const prune = 'prune --model tiny --criterion magnitude-l2 --speedup 1.2 --steps 8';
    const { code, err } = await line(`${prune} --weights ${file} --out ${folder.path('own')}`);
    assert.equal(code, 0, err);
    const { parameters } = decode(readFileSync(folder.path('own', 'model.safetensors')));
    assert.ok(parameters.get('a.kernel')!.values.every(value => value === 0.5));
    const bench = 'bench --model tiny --dataset shapes --protocol quick --methods random --backend cpu';
    for (const command of [prune, bench])
      assert.match(
        (await line(`${command} --weights ${less} --out ${folder.path('none')}`)).err,
        /(less.safetensors: )?weights for tiny: 1 missing: a.weight/,
      );
    assert.match((await line(`groups --load x --weights ${file}`)).err, /--load x: --weights cannot be given with it/);
  });
});
