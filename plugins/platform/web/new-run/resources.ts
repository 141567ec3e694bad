import type { Resources } from '../../queue.ts';

/** What workers have; the queue's own list would bring the queue with it. */
export const resourceNames = ['cpu', 'gpu'] as const satisfies readonly Resources[];
