import { z } from 'zod';
import { Builder } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';

const options = z.strictObject({
  classes: z.int().min(1).default(10),
  width: z.number().positive().default(1),
  image: z.int().default(32),
  channels: z.int().default(3),
  seed: z.int().default(0),
});

/** A model that trains on the cpu backend in no time. */
export const tiny = defineModel<z.infer<typeof options>>({
  id: 'tiny',
  title: 'two convolutions',
  task: 'classification',
  options,
  build({ classes, width, image, channels, seed }) {
    const b = new Builder('tiny', seed);
    const filters = Math.round(8 * width);
    let x = b.conv('a', b.input('image', [image, image, channels]), { filters, kernel: 3, stride: 8, padding: 1 });
    x = b.relu('relu', b.batchNorm('bn', x));
    x = b.relu('relu2', b.batchNorm('bn2', b.conv('b', x, { filters, kernel: 3, padding: 1 })));
    return b.build(b.dense('head', b.globalAveragePool('pool', x), { units: classes }));
  },
});
