import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../../kernel/cli/main.ts';
import type { Io } from '../../../kernel/cli/io.ts';
import { catalogue } from './catalogue.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, with what it writes caught. */
export async function run(argv: readonly string[], io: Partial<Io> = {}): Promise<Outcome> {
  let [out, err] = ['', ''];
  const code = await main(argv, catalogue, {
    out: text => void (out += text),
    err: text => void (err += text),
    columns: undefined,
    env: {},
    ...io,
  });
  return { code, out, err };
}

/** `run` for a line without quotes. */
export const line = (text: string, io?: Partial<Io>): Promise<Outcome> => run(text.split(' '), io);

/** A new folder, and how to remove it. */
export function temporary(): { path: (...names: string[]) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'pruningbench-'));
  return { path: (...names) => join(folder, ...names), remove: () => rmSync(folder, { recursive: true }) };
}
