import { extended } from '../../../kernel/extensions.ts';
import { catalogue } from '../../catalogue.ts';
import { inspect, withoutPlaces, type Answer, type Question } from './inspect.ts';

// The process that an Inspector starts; its arguments are what `--plugin` named.

const known = await extended(catalogue, process.argv.slice(2));

process.on('message', ({ id, job }: Question) => {
  inspect(job, known).then(
    result => process.send!({ id, result } satisfies Answer),
    (error: unknown) => process.send!({ id, error: withoutPlaces((error as Error).message) } satisfies Answer),
  );
});
process.on('disconnect', () => process.exit());
