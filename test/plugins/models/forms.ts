import type { Graph } from '../../../kernel/graph/graph.ts';
import { build } from '../../../plugins/api.ts';
import * as models from '../../../plugins/models/index.ts';

/** Models that differ from one that is tested in nothing but sizes. */
export const sizes = ['resnet34', 'vit-small', 'vit-base', 'yolov8s', 'yolov8l', 'yolov8x'];

const form = (model: string, image: number, options = {}) => ({
  name: `${[model, ...Object.values(options).map(String)].join(' ')} at ${image} pixels`,
  model,
  image,
  build: (): Graph => build(model, { classes: 7, width: 0.125, image, ...options }),
});

/** Small networks of every family, in their CIFAR and ImageNet forms, and with the options that change the groups. */
export const forms = [
  ...Object.values(models)
    .filter(({ id }) => !sizes.includes(id))
    .flatMap(({ id }) => [form(id, 32), form(id, 64)]),
  form('vit-tiny', 64, { prune: 'heads' }),
];
