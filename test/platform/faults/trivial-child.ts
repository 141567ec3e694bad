import { appendFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { FromChild, ToChild } from '../../../plugins/platform/worker/messages.ts';

// Stands in for the training process where many runs are made: it says that it is done, and writes down that it was there.

const tell = (message: FromChild): void => void process.send!(message, () => process.exit(0));

process.on('disconnect', () => process.exit(1));
process.on('message', (message: ToChild) => {
  if (message.kind === 'probe') return tell({ kind: 'backend', backend: hostname() });
  if (message.kind === 'stop') return tell({ kind: 'stopped' });
  const { seeds } = message.order.plan;
  appendFileSync(process.env['FAULTS_MADE']!, `${seeds[0]}\n`);
  setTimeout(() => tell({ kind: 'done', result: { seed: seeds[0], by: process.pid }, files: [] }), 20);
});
