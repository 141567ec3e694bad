import type { Plan } from '../../../kernel/bench/plan.ts';
import { openDatabase } from '../../../plugins/platform/database/open.ts';
import { Queue, type Lease } from '../../../plugins/platform/queue.ts';
import { Runs } from '../../../plugins/platform/runs.ts';
import { openStore } from '../../../plugins/platform/store/open.ts';
import { DirectOffice } from '../../../plugins/platform/worker/direct-office.ts';
import { Supervisor } from '../../../plugins/platform/worker/supervisor.ts';
import { answerCalls, say } from '../remote.ts';

// A process with workers, and with the database where that is the embedded one; a test makes faults happen to it.

export interface ProcessOptions {
  readonly database: { readonly url: string } | { readonly folder: string };
  readonly store: string;
  /** One for each worker. */
  readonly folders: readonly string[];
  readonly lease: Lease;
  readonly every: number;
  readonly child?: string | undefined;
}

/** What a test asks it to do. */
export interface Calls {
  sql(text: string, values?: readonly unknown[]): Promise<unknown[]>;
  submit(plans: readonly Plan[]): Promise<unknown>;
  cancel(id: string): Promise<unknown>;
  retry(id: string): Promise<unknown>;
  stop(): Promise<void>;
}

async function start({ database: at, store, folders, lease, every, child }: ProcessOptions): Promise<Calls> {
  const database = await openDatabase(at);
  const queue = await Queue.open(database, error => say(`queue: ${error.message}`), lease);
  const runs = new Runs(database, queue);
  const office = new DirectOffice({ database, queue, runs, store: await openStore(store) });
  const workers: Supervisor[] = [];
  for (const folder of folders)
    workers.push(
      await Supervisor.start({
        ...{ office, folder, every, child, say },
        ...{ resources: 'cpu', version: 'test', poll: 0.1, compute: { backend: 'onnxruntime', threads: 1 } },
      }),
    );
  return {
    sql: (text, values) => database.sql(text, values),
    submit: plans => runs.submit({ title: 'test', plans, resources: 'cpu' }),
    cancel: id => runs.cancel(id),
    retry: id => runs.retry(id),
    async stop() {
      await Promise.all(workers.map(worker => worker.stop()));
      await queue.close();
      await database.close();
    },
  };
}

answerCalls(start);
