import { appendFileSync } from 'node:fs';

// Stands in for the training process where many runs are made: it says that it is done, and writes down that it was
// there. Not TypeScript, which would take longer to start than to run.

const tell = message => process.send(message, () => process.exit(0));

process.on('disconnect', () => process.exit(1));
process.on('message', message => {
  if (message.kind === 'probe') return tell({ kind: 'backend', backend: 'none' });
  if (message.kind === 'stop') return tell({ kind: 'stopped' });
  const { seeds } = message.order.plan;
  appendFileSync(process.env['FAULTS_MADE'], `${seeds[0]}\n`);
  setTimeout(() => tell({ kind: 'done', result: { seed: seeds[0], by: process.pid }, files: [] }), 20);
});
