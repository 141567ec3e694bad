import assert from 'node:assert/strict';
import * as pb from '../../plugins/index.ts';

describe('help', () => {
  it('lists every public value once, with a line on what it does', () => {
    const { rows } = pb.help();
    const names = rows.map(({ name }) => name as string);
    assert.deepEqual(names.filter(name => !['aq', 'pb'].includes(name)).sort(), Object.keys(pb).sort());
    assert.deepEqual(
      rows.filter(({ what }) => !what).map(({ name }) => name),
      [],
    );
    const named = (name: string) => rows.find(row => row['name'] === name)!['what'];
    assert.equal(named('prune'), 'Prunes a graph to a speed-up');
    assert.match(named('models') as string, /resnet18/);
    assert.ok(names.indexOf('build') < names.indexOf('groups') && names.indexOf('groups') < names.indexOf('display'));
  });

  it('shows signature and documentation of functions, overloads, classes and types', () => {
    const page = (name: string) => String(pb.help(name));
    assert.match(page('fit'), /^fit\n\nfunction fit\(graph: Graph, data: Data, [^]*Promise<Fitted>\n\nTrains a graph/);
    assert.match(page('progress'), /count: number[^]*source: Iterable<T>/);
    assert.match(page('FitOptions'), /interface FitOptions[^]*regularize\?/);
  });

  it('explains plugins by their ids', () => {
    assert.match(String(pb.help('lamp')), /criterion: .*\n\nLee et al\. 2021/);
    assert.match(String(pb.help('resnet18')), /- `width`: .* \(default 1\)/);
    assert.match(String(pb.help('strategies')), /- `protected-global`: /);
    const { 'text/markdown': text } = pb.help('prune').toMimeBundle();
    assert.match(text as string, /^#### prune\n\n```typescript\nfunction prune/);
  });

  it('says what is nearest where there is nothing', () => {
    assert.throws(() => pb.help('prunee'), /no help on prunee \(did you mean prune\?\)/);
  });
});
