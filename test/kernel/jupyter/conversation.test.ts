import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { engines } from '../../../kernel/jupyter/compiler.ts';
import { Client, contents, kernelCommand, printed, result } from './client.ts';

const helper = fileURLToPath(new URL('./fixtures/helper.ts', import.meta.url));

/** What the engines do differently. */
const differences = {
  typescript: { closure: '[ 11, 12, 12 ]', mapped: true, types: true },
  // functions keep the values of the names of their cell, stacks speak of compiled code, a cell that fails leaves no
  // names, and only the values of the prelude have names, not its types
  tslab: { closure: '[ 11, 2, 2 ]', mapped: false, types: false },
};

for (const engine of engines) {
  const expected = differences[engine];

  describe(`kernel with the ${engine} engine`, () => {
    let kernel: Client;
    before(async () => (kernel = await Client.start(kernelCommand(engine))));
    after(async () => assert.equal(await kernel.stop(), 0, kernel.errors));

    it('hears an interrupt while its compiler warms up', async () => {
      const id = kernel.send('for (;;);');
      await kernel.message(id, m => m.type === 'execute_input');
      kernel.interrupt();
      assert.equal((await kernel.settle(id)).reply['ename'], 'KeyboardInterrupt');
      assert.equal(await value('1 + 1'), '2');
    });

    const value = async (code: string) => {
      const exchange = await kernel.execute(code);
      assert.equal(exchange.reply['status'], 'ok', JSON.stringify(exchange.reply));
      return result(exchange);
    };

    it('says what it is', async () => {
      const { reply } = await kernel.request('kernel_info_request');
      assert.equal(reply['protocol_version'], '5.4');
      assert.equal(reply['language_info']['name'], 'typescript');
      const onControl = await kernel.request('kernel_info_request', {}, 'control');
      assert.deepEqual(onControl.reply, reply);
      assert.equal(await kernel.beat(), 'beat');
    });

    it('frames a cell in the messages of the protocol', async () => {
      const { reply, published } = await kernel.execute('console.log("one"); 1 + 1');
      const count = reply['execution_count'] as number;
      assert.deepEqual(
        published.map(({ type, content }) => [
          type,
          content['execution_state'] ?? content['execution_count'] ?? content['text'],
        ]),
        [
          ['status', 'busy'],
          ['execute_input', count],
          ['stream', 'one\n'],
          ['execute_result', count],
          ['status', 'idle'],
        ],
      );
      const next = await kernel.execute('0');
      assert.equal(next.reply['execution_count'], count + 1);
      const silent = await kernel.execute('5', { silent: true, store_history: false });
      assert.deepEqual(contents(silent, 'execute_result'), []);
      assert.equal(silent.reply['execution_count'], count + 1);
    });

    it('keeps state between cells', async () => {
      await value('let a = 1; const b = { c: [2, 3] }; class Point { constructor(readonly x: number) {} }');
      await value('interface Named { name: string }; enum Level { Low = 3 }; type Pair = [number, number]');
      assert.equal(await value('a += b.c[1]!; a'), '4');
      assert.equal(
        await value('const named: Named = { name: "n" }; const pair: Pair = [Level.Low, new Point(7).x]; pair'),
        '[ 3, 7 ]',
      );
      await value('let a = "another type"');
      assert.equal(await value('a.toUpperCase()'), `'ANOTHER TYPE'`);
    });

    it('knows the names of many cells, and what they imported', async () => {
      await value('let n0 = 0; import { basename } from "node:path"');
      for (let i = 1; i <= 34; i++)
        await value(`let n${i} = n${i - 1} + 1; import { sep as sep${i} } from "node:path"`);
      assert.equal(await value('n0 = 5; basename(`a${sep1}${n34}`) + n0 + sep34.length'), `'3451'`);
    });

    it('closes over names as the engine does', async () => {
      await value('let n = 0; function inc() { n++; return n }');
      await value('inc()');
      assert.equal(await value('n += 10; [n, inc(), n]'), expected.closure);
    });

    it('awaits at the top level', async () => {
      const wait = 'new Promise<number>(resolve => setTimeout(resolve, 5, 42))';
      assert.equal(await value(`const awaited = await ${wait}; awaited`), '42');
      assert.equal(await value(`let sum = 0; for await (const x of [1, 2]) sum += x; sum`), '3');
      assert.equal(await value(`awaited + 1`), '43');
    });

    it('sees the names of the prelude', async () => {
      assert.equal(await value('[double(21), pb.double(2), called(), called()]'), '[ 42, 4, 1, 2 ]');
      assert.equal(await value('aq.table({ x: [1, 2, 3] }).numRows()'), '3');
    });

    it('imports modules natively', async () => {
      const file = JSON.stringify(helper);
      assert.equal(await value(`import { basename } from 'node:path'; basename('/a/b.c')`), `'b.c'`);
      assert.equal(await value(`const m = await import(${file}); m.count(); m.counter`), '1');
      assert.equal(await value(`basename('/d')`), `'d'`);
      assert.equal(
        await value(`import { display as show } from 'tslab'; show.html('<b>old</b>'); typeof show`),
        `'function'`,
      );
    });

    it('loses no output', async () => {
      const lines = 20_000;
      const exchange = await kernel.execute(`for (let i = 0; i < ${lines}; i++) console.log('line', i)`);
      assert.equal(printed(exchange), Array.from({ length: lines }, (_, i) => `line ${i}\n`).join(''));
      assert.ok(contents(exchange, 'stream').length < 50);
      const both = await kernel.execute('console.log("a"); console.error("b"); console.log("c")');
      assert.deepEqual(
        contents(both, 'stream').map(c => [c['name'], c['text']]),
        [
          ['stdout', 'a\n'],
          ['stderr', 'b\n'],
          ['stdout', 'c\n'],
        ],
      );
    });

    it('displays and updates', async () => {
      const exchange = await kernel.execute(`
        const handle = display.html('<b>1</b>');
        await handle.update(table([{ a: 1 }]));
        display({ [Symbol.for('Jupyter.display')]: () => ({ 'text/html': 'own' }) });
        display({ toMimeBundle: async () => ({ 'text/markdown': '*late*' }) });
        display('after');
        clearOutput(true);
        display(chart({ mark: 'bar', encoding: {} }, [{ a: 1 }]));
        handle`);
      const shown = contents(exchange, 'display_data');
      assert.equal(exchange.reply['status'], 'ok', JSON.stringify(exchange.reply));
      assert.deepEqual(
        shown.slice(0, 4).map(c => Object.values(c['data'] as object)[0] as string),
        ['<b>1</b>', 'own', '*late*', `'after'`],
      );
      assert.match(shown[4]!['data']['image/svg+xml'] as string, /^<svg/);
      const [update] = contents(exchange, 'update_display_data');
      assert.equal(update!['transient']['display_id'], shown[0]!['transient']['display_id']);
      assert.match(update!['data']['text/html'] as string, /<table>/);
      assert.deepEqual(contents(exchange, 'clear_output'), [{ wait: true }]);
      assert.deepEqual(contents(exchange, 'execute_result'), []);
    });

    it('shows progress in one display', async () => {
      const exchange = await kernel.execute(
        'let steps = 0; for await (const i of progress(5000, { label: "steps" })) steps += i; steps',
      );
      assert.equal(result(exchange), '12497500');
      assert.equal(contents(exchange, 'display_data').length, 1);
      const updates = contents(exchange, 'update_display_data');
      assert.ok(updates.length >= 1 && updates.length < 20);
      assert.match(updates.at(-1)!['data']['text/plain'] as string, /^steps 100% █+ 5000\/5000/);
    });

    it('reports what a cell throws, with its line', async () => {
      const { reply, published } = await kernel.execute(
        '// first line\nfunction fails(): never {\n  throw new RangeError("too far");\n}\nfails()',
      );
      assert.equal(reply['ename'], 'RangeError');
      assert.equal(reply['evalue'], 'too far');
      const error = published.find(m => m.type === 'error')!.content;
      const text = (error['traceback'] as string[]).join('\n');
      assert.ok(!text.includes('kernel/jupyter') && !text.includes('node:'), text);
      if (expected.mapped) {
        const n = reply['execution_count'] as number;
        assert.match(text, new RegExp(`fails \\(In\\[${n}\\]:3:9\\)`));
        assert.match(text, new RegExp(`In\\[${n}\\]:5:1`));
      }
      assert.equal(await value('"still here"'), `'still here'`);
      const odd = await kernel.execute('throw { odd: 1 }');
      assert.equal(odd.reply['evalue'], '{ odd: 1 }');
    });

    it('rejects type errors before anything runs', async () => {
      const { reply, published } = await kernel.execute('console.log("not run");\nconst wrong: number = "text";');
      assert.equal(reply['status'], 'error');
      assert.equal(reply['ename'], 'TypeScriptError');
      assert.match(reply['evalue'] as string, /^In\[\d+\]:2:7 Type 'string' is not assignable to type 'number'/);
      assert.deepEqual(
        published.filter(m => m.type === 'stream'),
        [],
      );
      const syntax = await kernel.execute('let = = 3');
      assert.equal(syntax.reply['ename'], 'TypeScriptError');
    });

    it('aborts the cells behind one that failed, and no later ones', async () => {
      const first = kernel.send('throw new Error("stop")');
      const second = kernel.send('1');
      assert.equal((await kernel.settle(first)).reply['status'], 'error');
      assert.equal((await kernel.settle(second)).reply['status'], 'aborted');
      assert.equal((await kernel.execute('2')).reply['status'], 'ok');
      const soft = kernel.send('throw new Error("go on")', { stop_on_error: false });
      const after = kernel.send('3');
      await kernel.settle(soft);
      assert.equal((await kernel.settle(after)).reply['status'], 'ok');
    });

    it('does not die of process.exit or of errors nobody caught, and shows them in the cell', async () => {
      const { reply } = await kernel.execute('process.exit(3)');
      assert.match(reply['evalue'] as string, /process\.exit\(3\) in a cell/);
      const rejected = await kernel.execute('void Promise.reject(new Error("dropped")); 1');
      assert.match(printed(rejected, 'stderr'), /^Nobody caught this:\n.*Error: dropped/);
      const left = kernel.send('setTimeout(() => { throw new Error("left behind") }, 200); 1');
      await kernel.settle(left);
      // what a front end asks meanwhile is no cell
      await kernel.request('complete_request', { code: 'go', cursor_pos: 2 });
      await kernel.message(left, m => m.type === 'stream' && /Error: left behind/.test(m.content['text'] as string));
      const late = kernel.send(
        'setTimeout(() => { throw new Error("late") }); await new Promise(r => setTimeout(r, 20)); 1',
      );
      const exchange = await kernel.settle(late);
      assert.match(printed(exchange, 'stderr'), /Error: late/);
      assert.equal(result(exchange), '1');
    });

    it('asks for input', async () => {
      const id = kernel.send('await input("name? ")', { allow_stdin: true });
      const asked = await kernel.message(id, m => m.type === 'input_request');
      assert.deepEqual(asked.content, { prompt: 'name? ', password: false });
      kernel.answer('Ada');
      assert.equal(result(await kernel.settle(id)), `'Ada'`);
      assert.match((await kernel.execute('await input()')).reply['evalue'] as string, /no input/);
    });

    it('completes, inspects and knows what is complete', async () => {
      await value('const résumé = { first: 1, second: "s" }');
      const code = '"😀"; résumé.';
      const { reply } = await kernel.request('complete_request', { code, cursor_pos: [...code].length });
      assert.ok(
        ['first', 'second'].every(name => (reply['matches'] as string[]).includes(name)),
        String(reply['matches']),
      );
      assert.equal(reply['cursor_start'], [...code].length);
      const name = await kernel.request('complete_request', { code: 'doub', cursor_pos: 4 });
      assert.ok((name.reply['matches'] as string[]).includes('double'));
      assert.deepEqual([name.reply['cursor_start'], name.reply['cursor_end']], [0, 4]);
      const { reply: info } = await kernel.request('inspect_request', {
        code: 'résumé',
        cursor_pos: 2,
        detail_level: 0,
      });
      assert.match(info['data']['text/plain'] as string, /first: number/);
      const nothing = await kernel.request('inspect_request', { code: '  ', cursor_pos: 1, detail_level: 0 });
      assert.equal(nothing.reply['found'], false);
      const status = async (code: string) =>
        (await kernel.request('is_complete_request', { code })).reply['status'] as string;
      assert.equal(await status('const a = 1'), 'complete');
      assert.equal(await status('function f() {'), 'incomplete');
    });

    it('answers history, comms and expressions', async () => {
      await value('"remember me"');
      const { reply } = await kernel.request('history_request', {
        hist_access_type: 'tail',
        n: 1,
        output: false,
        raw: true,
      });
      assert.equal(reply['history'][0][2], '"remember me"');
      assert.deepEqual((await kernel.request('comm_info_request')).reply, { status: 'ok', comms: {} });
      const expressions = await kernel.execute('const six = 6', {
        user_expressions: { double: 'six * 2', bad: 'nope.x' },
      });
      assert.equal(expressions.reply['user_expressions']['double']['data']['text/plain'], '12');
      assert.equal(expressions.reply['user_expressions']['bad']['status'], 'error');
    });

    const running = {
      'a loop that never yields': 'console.log("go"); await 0; for (;;);',
      'a loop before any await': 'console.log("go"); for (;;);',
      'an await that never ends': 'console.log("go"); await new Promise(() => {})',
      'work after an await': 'await new Promise(r => setTimeout(r, 1)); console.log("go"); let x = 0; while (true) x++',
      'a training loop':
        'console.log("go"); const kept = 5; for await (const i of progress(1e9)) await new Promise(r => setTimeout(r, 1))',
    };
    for (const [name, code] of Object.entries(running))
      it(`interrupts ${name}`, async () => {
        const id = kernel.send(code);
        await kernel.message(id, m => m.type === 'stream');
        const began = performance.now();
        kernel.interrupt();
        const { reply } = await kernel.settle(id);
        assert.equal(reply['ename'], 'KeyboardInterrupt', JSON.stringify(reply));
        assert.ok(performance.now() - began < 5000);
        assert.equal(await value('"alive"'), `'alive'`);
      });

    it('interrupts cells that follow each other at once', async () => {
      for (let i = 0; i < 5; i++) {
        const first = kernel.send('console.log("go"); await new Promise(() => {})', { stop_on_error: false });
        const second = kernel.send('await 0; console.log("go"); for (;;);');
        for (const id of [first, second]) {
          await kernel.message(id, m => m.type === 'stream');
          kernel.interrupt();
          assert.equal((await kernel.settle(id)).reply['ename'], 'KeyboardInterrupt');
        }
      }
    });

    if (expected.types)
      it('takes an empty array for one of anything, in its cell and in later ones', async () => {
        assert.equal(await value('const some = []; let more = [], none: number[] = []; some.push(1); some'), '[ 1 ]');
        assert.equal(
          await value("some.push('two'); more.push({ three: 3 }); [...some, ...more]"),
          "[ 1, 'two', { three: 3 } ]",
        );
        assert.match((await kernel.execute("none.push('x')")).reply['evalue'] as string, /'string' is not assignable/);
        const { reply } = await kernel.execute('const a = [], b: number = "text";');
        assert.match(reply['evalue'] as string, /^In\[\d+\]:1:15 Type 'string'/);
      });

    if (expected.types)
      it('keeps what a failed cell had assigned', async () => {
        await kernel.execute(
          'let early = 1; const unset = (() => { throw new Error("no") })() as number; let later = 2;',
        );
        assert.equal(await value('early'), '1');
        assert.match((await kernel.execute('later')).reply['evalue'] as string, /Cannot find name|undefined/);
      });

    if (expected.types)
      it('has the types of the prelude and of imports', async () => {
        const wrong = await kernel.execute('double("two")');
        assert.match(wrong.reply['evalue'] as string, /Argument of type 'string'/);
        const profile = await kernel.execute(`let profile: Profile = 'smoke'`);
        assert.equal(profile.reply['status'], 'ok', JSON.stringify(profile.reply));
        const other = await kernel.execute(`profile = 'large'`);
        assert.match(other.reply['evalue'] as string, /not assignable to type 'Profile'/);
        const constant = await kernel.execute('const fixed = 1');
        assert.equal(constant.reply['status'], 'ok');
        assert.match((await kernel.execute('fixed = 2')).reply['evalue'] as string, /it is a constant/);
        const { reply } = await kernel.request('inspect_request', { code: 'double', cursor_pos: 3 });
        assert.match(reply['data']['text/plain'] as string, /Doubles a number/);
        const own = '/**\n * Halves a number.\n * @param n which one\n */\nfunction half(n: number) { return n / 2 }\n';
        await kernel.execute(`/** Not about halves. */\nlet whole = 1;\n${own}`);
        const documented = async (code: string) =>
          (await kernel.request('inspect_request', { code, cursor_pos: 2 })).reply['data']['text/plain'] as string;
        assert.equal(
          await documented('half'),
          'function half(n: number): number\n\nHalves a number.\n@param n which one',
        );
        assert.match(await documented('parseInt'), /Converts a string to an integer/);
        assert.match(await documented('profile'), /^[^\n]*Profile$/);
      });
  });
}

describe('kernels', () => {
  it('run side by side and each in its folder', async () => {
    const folder = path.resolve(tmpdir());
    const [one, two] = await Promise.all([Client.start(kernelCommand()), Client.start(kernelCommand(), folder)]);
    try {
      await Promise.all([one.execute('let who = 1'), two.execute('let who = 2')]);
      const [a, b] = await Promise.all([one.execute('[who, process.cwd()]'), two.execute('[who, process.cwd()]')]);
      assert.match(result(a)!, /^\[ 1,/);
      assert.ok(result(b)!.includes(folder));
      const { reply } = await one.request('shutdown_request', { restart: true }, 'control');
      assert.deepEqual(reply, { status: 'ok', restart: true });
      assert.equal(result(await two.execute('who + 1')), '3');
    } finally {
      assert.deepEqual(await Promise.all([one.stop(), two.stop()]), [0, 0]);
    }
  });
});
