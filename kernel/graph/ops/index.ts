import type { Op } from '../op.ts';
import { gelu, relu, relu6, sigmoid, silu } from './activation.ts';
import { add, multiply } from './arithmetic.ts';
import { batchNorm } from './batch-norm.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import { layerNorm } from './layer-norm.ts';
import { averagePool, globalAveragePool, maxPool } from './pool.ts';
import { concat, flatten, slice } from './structure.ts';

/** Every op a graph can hold, under the name it has in a saved graph. */
export const ops = {
  conv,
  dense,
  'batch-norm': batchNorm,
  'layer-norm': layerNorm,
  relu,
  relu6,
  sigmoid,
  silu,
  gelu,
  'max-pool': maxPool,
  'average-pool': averagePool,
  'global-average-pool': globalAveragePool,
  add,
  multiply,
  concat,
  slice,
  flatten,
} satisfies Record<string, Op>;

export type OpName = keyof typeof ops;
