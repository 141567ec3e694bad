import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { format, resolveConfig } from 'prettier';
import { aliases, groups, kernels } from '../../../../plugins/backends/onnxruntime/operations/index.ts';

const readme = new URL('../../../../plugins/backends/onnxruntime/README.md', import.meta.url);
const [begin, end] = ['<!-- support -->', '<!-- /support -->'];

/** The table of kernels, from the code. */
function table(): string {
  const list = (names: string[]) =>
    names
      .sort()
      .map(name => `\`${name}\``)
      .join(' ');
  const onCpu = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
  const left = onCpu.filter(name => !(name in kernels) && !(name in aliases));
  const rows = [
    ...Object.entries(groups).map(([group, table]) => [group, list(Object.keys(table))]),
    ['only another shape', list(Object.keys(aliases))],
    ['left to the cpu backend', list(left)],
  ];
  return ['| | |', '| --- | --- |', ...rows.map(row => `| ${row.join(' | ')} |`)].join('\n');
}

describe('onnxruntime backend: README', () => {
  // UPDATE=1 writes the table instead of comparing it.
  it('has the table of kernels that the code has', async () => {
    const text = readFileSync(readme, 'utf8');
    const made = `${text.slice(0, text.indexOf(begin) + begin.length)}\n\n${table()}\n\n${text.slice(text.indexOf(end))}`;
    const options = await resolveConfig(readme.pathname);
    const expected = await format(made, { ...options, parser: 'markdown' });
    if (process.env['UPDATE'] === '1') writeFileSync(readme, expected);
    else assert.equal(text, expected);
  });
});
