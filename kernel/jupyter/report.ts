import type { CellProgress } from './cell-error.ts';
import { plainText } from './frontend.ts';
import { tagsOf, textOf } from './notebook.ts';
import { clock } from './progress.ts';
import type { RunNotebookOptions } from './runner.ts';

type Callbacks = Required<Pick<RunNotebookOptions, 'onStart' | 'onCell' | 'onOutput' | 'onCellDone'>>;

/**
 * Callbacks that show a run in a terminal: the cell at work, the time, and what it printed or displayed last, redrawn
 * in place. Where the stream is no terminal, one line a cell. Call `close` at the end.
 */
export function terminalReport(
  title: string,
  stream: NodeJS.WriteStream = process.stderr,
): Callbacks & { close(): void } {
  const started = performance.now();
  let total = 0;
  let at: CellProgress | undefined;
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  const elapsed = () => clock((performance.now() - started) / 1000);
  const erase = () => void (stream.isTTY && stream.write('\r\x1b[K'));
  const draw = () => {
    if (!stream.isTTY || !at) return;
    const line = `${title}  cell ${at.number} of ${total}  ${elapsed()}  ${last}`;
    stream.write(`\r\x1b[K${[...line].slice(0, stream.columns - 1).join('')}`);
  };
  return {
    onStart(cells) {
      total = cells;
      if (stream.isTTY) timer = setInterval(draw, 200).unref();
    },
    onCell(progress) {
      at = progress;
      last = '';
      draw();
    },
    onOutput(_progress, { output }) {
      if (!output) return;
      const text =
        output.output_type === 'stream'
          ? textOf(output['text'])
          : plainText((output['data'] ?? {}) as object as Record<string, unknown>);

      last = text
        .replace(/\x1b\[[0-9;]*m/g, '')
        .trimEnd()
        .split('\n')
        .at(-1)!
        .trim();
    },
    onCellDone({ number, cell, heading, milliseconds, ok }) {
      erase();
      const [first = ''] = textOf(cell.source).trim().split('\n');
      const [parameters] = tagsOf(cell).filter(tag => tag.endsWith('parameters'));
      const name = parameters?.replace('-', ' ') ?? [heading, first.replace(/^\/\/\s*/, '')].filter(Boolean).join(': ');
      const mark = ok ? '✓' : '✗';
      const time = `${(milliseconds / 1000).toFixed(1)} s`.padStart(8);
      stream.write(`${mark} ${String(number).padStart(3)}/${total} ${time}  ${[...name].slice(0, 70).join('')}\n`);
    },
    close() {
      clearInterval(timer);
      erase();
      stream.write(`${title}: ${at ? at.number : 0} of ${total} cells, ${elapsed()}\n`);
    },
  };
}
