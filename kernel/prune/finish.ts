import { withParameters, type Graph } from '../graph/graph.ts';
import { Parameter } from '../graph/parameter.ts';
import type { Ending } from '../plugin.ts';
import { random } from '../random.ts';
import { batchesOf, type CalibrationData, type ImagesOptions } from './calibration.ts';
import type { Scoring } from './score.ts';

/**
 * The pruned graph with the values that the criterion gives its parameters at the end. Throws for a parameter that it
 * does not have, for another number of values, and for values that are not finite.
 */
export async function finish(
  ended: Pick<Ending, 'original' | 'groups' | 'kept' | 'pruned'>,
  { criterion, options }: Scoring,
  data: CalibrationData,
  images: ImagesOptions,
): Promise<Graph> {
  if (!criterion.finish) return ended.pruned;
  const { pruned } = ended;
  const found = await criterion.finish(
    {
      ...ended,
      task: data.task,
      random: random(images.seed, `${criterion.id}/end`),
      batches: batchesOf(pruned, data, images),
      signal: images.signal,
    },
    options,
  );
  const parameters = [...found].map(([name, values]) => {
    const old = pruned.parameters.get(name);
    if (!old) throw new Error(`criterion ${criterion.id}: ${pruned.name} has no parameter ${name}`);
    if (values.length !== old.size)
      throw new RangeError(
        `criterion ${criterion.id}: ${values.length} values for the ${old.size} of ${name}, [${old.shape.join(', ')}]`,
      );
    const broken = values.findIndex(value => !Number.isFinite(value));
    if (broken >= 0) throw new RangeError(`criterion ${criterion.id}: value ${broken} of ${name} is ${values[broken]}`);
    return [name, new Parameter(old.shape, values, old.trainable)] as const;
  });
  return withParameters(pruned, parameters);
}
