import type { Kernels } from '../kernel.ts';
import { kernels as activation } from './activation.ts';
import { kernels as convolution } from './convolution.ts';
import { kernels as elementwise } from './elementwise.ts';
import { kernels as indexing } from './indexing.ts';
import { kernels as matmul } from './matmul.ts';
import { kernels as normalization } from './normalization.ts';
import { kernels as pooling } from './pooling.ts';
import { kernels as reduction } from './reduction.ts';
import { kernels as resize } from './resize.ts';
import { kernels as shape } from './shape.ts';
import { kernels as update } from './update.ts';

export { aliases } from './shape.ts';

/** Kernels that become part of a graph, as the files here group them. */
export const groups = {
  elementwise,
  activation,
  reduction,
  matmul,
  convolution,
  pooling,
  resize,
  normalization,
  shape,
  indexing,
  update,
} satisfies Record<string, Kernels>;

/** All of them. */
export const kernels: Kernels = Object.assign({}, ...Object.values(groups)) as Kernels;
