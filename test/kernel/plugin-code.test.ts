import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { defineCriterion } from '../../kernel/plugin.ts';
import { codeIn, codeOf } from '../../kernel/plugin-code.ts';
import { lamp } from '../../plugins/criteria/index.ts';
import { catalogue } from './cli/catalogue.ts';
import { temporary } from './cli/run.ts';

const criterion = (power: string, helper = '') =>
  `${helper}\nconst power = ${power};\nexport const own = { kind: 'criterion', id: 'own', options: {}, element: w => Math.abs(w) ** power };\n`;

describe('the code of plugins', () => {
  const folder = temporary();
  after(() => folder.remove());

  it('as values is that of their functions, and the catalogue has none', () => {
    const own = (element: (w: number) => number, id = 'own') =>
      codeOf([defineCriterion({ id, element }), lamp], catalogue);
    const first = own(w => w + 1);
    assert.deepEqual(Object.keys(first), ['criterion own']);
    assert.deepEqual(
      own(w => w + 1),
      first,
    );
    assert.notDeepEqual(
      own(w => w + 2),
      first,
    );
    assert.deepEqual(Object.keys(own(w => w, 'lamp')), ['criterion lamp']);
  });

  it('in a file is all of it, with what it imports of its folder', async () => {
    const file = folder.path('own.mjs');
    const write = (text: string, name = 'own.mjs') => writeFileSync(folder.path(name), text);
    const digest = async () => (await codeIn([file]))['criterion own']!;
    write('export const two = 2;\n', 'helper.mjs');
    write(criterion('1'));
    const one = await digest();
    assert.equal(await digest(), one);
    write(criterion('3'));
    const three = await digest();
    assert.notEqual(three, one);
    write('export const two = 2.5;\n', 'helper.mjs');
    assert.equal(await digest(), three);
    write(criterion('two', "import { two } from './helper.mjs';"));
    const imported = await digest();
    write('export const two = 2;\n', 'helper.mjs');
    assert.notEqual(await digest(), imported);
  });
});
