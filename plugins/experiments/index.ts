import type { Experiment } from '../../kernel/bench/experiment.ts';
import { cifar100 } from './cifar100.ts';
import { coco } from './coco.ts';
import { imagenet } from './imagenet.ts';

/** The paper's thirteen tables. */
export const experiments: readonly Experiment[] = [...cifar100, ...imagenet, ...coco];
