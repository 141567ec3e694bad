import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { commands } from '../../../kernel/cli/commands.ts';
import { main } from '../../../kernel/cli/main.ts';
import { catalogue as everything } from '../../../plugins/catalogue.ts';
import { line, run } from './run.ts';

const leaves = [
  ...['check-plugin', 'models', 'experiments', 'methods', 'datasets', 'groups', 'prune', 'train', 'bench'].map(name => [
    name,
  ]),
  ...['run', 'html', 'strip'].map(name => ['notebook', name]),
  ...['install', 'start', 'list'].map(name => ['kernel', name]),
  ...['show', 'submit', 'verify', 'check', 'page'].map(name => ['leaderboard', name]),
];

describe('command line', () => {
  it('lists its commands', async () => {
    const { code, out, err } = await line('--help');
    assert.deepEqual([code, err], [0, '']);
    for (const name of Object.keys(commands)) assert.match(out, new RegExp(`^  ${name} `, 'm'));
  });

  for (const name of leaves)
    it(`${name.join(' ')} --help has an example that names it, and --json`, async () => {
      const { code, out, err } = await run([...name, '--help']);
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, new RegExp(`Examples?:\n  \\$ pruningbench ${name.join(' ')}`));
      assert.match(out, /--json/);
    });

  for (const name of [[], ...leaves])
    it(`${['pruningbench', ...name].join(' ')} --help fits a terminal of 80 columns`, async () => {
      const { out } = await run([...name, '--help'], { columns: 80 }, everything);
      assert.deepEqual(
        out.split('\n').filter(text => text.length > 80),
        [],
      );
    });

  it('continues long examples as a shell does', async () =>
    assert.match(
      (await run(['prune', '--help'], { columns: 80 }, everything)).out,
      /\n {2}\$ pruningbench prune [^\n]* \\\n {6}--speedup 2 --out pruned\n/,
    ));

  it('tests the help of every command', () =>
    assert.deepEqual(
      Object.keys(commands).filter(name => !leaves.some(([first]) => first === name)),
      [],
    ));

  it('help x is x --help', async () => assert.deepEqual(await line('help prune'), await line('prune --help')));

  it('loads no plugins for the help', async () => {
    const never = () => assert.fail('the catalogue was loaded');
    assert.equal(await main(['--help'], never, { out: () => {} }), 0);
    assert.equal(await main(['kernel', 'list', '--help'], never, { out: () => {} }), 0);
  });

  const refused: [string, number, RegExp][] = [
    ['pruen', 2, /^error: unknown command pruen \(did you mean prune\?\)\n$/],
    ['zzzzzzzz', 2, /^error: unknown command zzzzzzzz \(there are models, methods, .*\)\n$/],
    ['help pruen', 2, /did you mean prune\?/],
    ['models --jsn', 2, /^error: unknown option '--jsn' \(Did you mean --json\?\)\n$/],
    ['models resnet81', 2, /^error: unknown model resnet81 \(did you mean resnet18\?\)\n$/],
    ['models resnet18:widht=2', 2, /model resnet18: no option widht \(did you mean width\?\)/],
    ['models resnet18:width', 2, /resnet18:width: options are written as name:key=value/],
    ['models a b', 2, /too many arguments/],
    ['methods magnitude', 2, /unknown method magnitude \(/],
    ['datasets shape', 2, /unknown dataset shape \(did you mean shapes\?\)/],
    ['kernel lst', 2, /unknown command 'lst' \(Did you mean list\?\)/],
    ['groups', 2, /no model: give --model NAME or --load FILE/],
    ['groups --model resnet18 --width -1', 2, /--width -1: too small|option width -1: too small/],
    ['groups --model resnet18 --width x', 2, /width x: invalid input: expected number/],
    ['groups --model resnet18 --group conv2', 2, /unknown group conv2 \(did you mean conv1\?\)/],
    ['groups --load nowhere.safetensors', 1, /^error: no file nowhere.safetensors\n$/],
    ['groups --load package.json', 1, /^error: package.json: .+\n$/],
    [
      'groups --load package.json --model vgg19 --width 1',
      2,
      /--load package.json: --model, --width cannot be given with it/,
    ],
    ['kernel start nowhere.json', 1, /no file nowhere.json/],
    ['kernel start', 2, /missing required argument 'connection-file'/],
    ['kernel install --engine typscript', 2, /--engine typscript: invalid option/],
    ['notebook run nowhere.ipynb', 1, /no file nowhere.ipynb/],
    ['notebook run nowhere.ipynb --parameter x', 2, /--parameter x: is written as name=value/],
    ['notebook html package.json', 1, /package.json: no notebook/],
    ['notebook strip nowhere.ipynb', 1, /no file nowhere.ipynb/],
  ];
  for (const [typed, expected, message] of refused)
    it(`refuses: ${typed}`, async () => {
      const { code, out, err } = await line(typed);
      assert.match(err, message);
      assert.equal(err.trimEnd().split('\n').length, 1);
      assert.deepEqual([code, out], [expected, '']);
    });

  it('shows where an error comes from with --debug or DEBUG', async () => {
    assert.match(
      (await line('groups --load nowhere --debug')).err,
      /^error: no file nowhere\nError: no file nowhere\n +at /,
    );
    assert.match((await line('groups --load nowhere', { env: { DEBUG: '1' } })).err, /\n +at /);
  });

  describe('as a process', () => {
    const start = (...argv: string[]) =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', 'plugins/bin.ts', ...argv]).then(
        ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
        ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
      );

    it('states its version', async () => {
      const { code, stdout, stderr } = await start('--version');
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    });

    it('exits with 2 for a usage error', async () => {
      const { code, stdout, stderr } = await start('pruen');
      assert.deepEqual([code, stdout, stderr], [2, '', 'error: unknown command pruen (did you mean prune?)\n']);
    });
  });
});
