import { parentPort, workerData } from 'node:worker_threads';
import { assemble, type BatchRequest, type LabelledImages } from './assemble.ts';

/** What the loader gives this thread. */
export interface LoaderJob {
  readonly source: LabelledImages;
  readonly request: BatchRequest;
  /** How many batches may wait for their reader. */
  readonly ahead: number;
}

const { source, request, ahead } = workerData as LoaderJob;
const port = parentPort!;
const batches = assemble(source, request);
let wanted = ahead;

function fill(): void {
  for (; wanted > 0; wanted--) {
    const { value, done } = batches.next();
    if (done) {
      port.postMessage(null);
      port.close();
      return;
    }
    port.postMessage(value, [value.images.buffer as ArrayBuffer, (value.targets as Int32Array).buffer as ArrayBuffer]);
  }
}

port.on('message', () => {
  wanted++;
  fill();
});
fill();
