import assert from 'node:assert/strict';
import fc from 'fast-check';
import { address, listIn, parseAddress } from '../../../plugins/platform/web/address.ts';

describe('addresses of the page', () => {
  it('are read as they are written', () => {
    const key = fc.stringMatching(/^[a-z]{1,8}$/);
    const text = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 3 }),
        fc.dictionary(key, text, { noNullPrototype: true }),
        (path, query) => {
          assert.deepEqual(parseAddress(address(path, query)), { path, query });
        },
      ),
    );
  });

  it('leave out what is not asked', () => {
    assert.equal(address(['runs'], { state: undefined, kind: '', model: 'resnet18' }), '#/runs?model=resnet18');
    assert.deepEqual(parseAddress(''), { path: [], query: {} });
    assert.deepEqual(parseAddress('#/runs/%E0%A4%A'), { path: ['runs', '%E0%A4%A'], query: {} });
    assert.deepEqual(listIn('a,,b'), ['a', 'b']);
    assert.deepEqual(listIn(undefined), []);
  });
});
