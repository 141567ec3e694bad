import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { channelsOf, defineOp, free, integers, onnxAxis } from '../op.ts';

const attributes = z.strictObject({ indices: z.array(z.int().nonnegative()).min(1) });

/** Channels by index, as in a channel shuffle; one may come several times. */
export const gather = defineOp<z.infer<typeof attributes>>({
  attributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { indices }, inputs: [x] }) {
    const outside = indices.find(index => index >= channelsOf(x!));
    if (outside !== undefined) throw new RangeError(`gather ${id}: channel ${outside} of ${channelsOf(x!)}`);
    return [...x!.slice(0, -1), indices.length];
  },
  couple({ attributes: { indices } }, [input], coupling) {
    const ids = Int32Array.from(indices, index => input!.ids[index]!);
    coupling.part(ids);
    return { ids, zero: input!.zero };
  },
  forward: ({ attributes: { indices } }, [x]) => tf.gather(x!, tf.tensor1d([...indices], 'int32'), x!.rank - 1),
  work: () => free,
  cut({ attributes: { indices } }, kept) {
    let left = 0;
    const position = kept(0).map(stays => (stays ? left++ : -1));
    return { indices: indices.map(index => position[index]!).filter(index => index >= 0) };
  },
  onnx: ({ attributes: { indices }, inputs: [shape] }, [x], writer) =>
    writer.op('Gather', [x!, integers(indices, writer)], { axis: onnxAxis(shape!) }),
});
