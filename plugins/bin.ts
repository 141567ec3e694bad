#!/usr/bin/env node
import module from 'node:module';
import { resolve } from 'node:path';
import { main } from '../kernel/cli/main.ts';
import { commands } from './platform/commands.ts';

// Node.js 22 can keep compiled code from start to start.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe has seen enough.
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
// Notebooks run in a folder of their own.
const data = process.env['PRUNINGBENCH_DATA'];
if (data) process.env['PRUNINGBENCH_DATA'] = resolve(data);
process.exitCode = await main(
  process.argv.slice(2),
  async () => (await import('./catalogue.ts')).catalogue,
  {},
  commands,
);
