import type { Op } from '../op.ts';
import { gelu, relu, relu6, sigmoid, silu } from './activation.ts';
import { add, divide, multiply, subtract } from './arithmetic.ts';
import { attention } from './attention.ts';
import { batchNorm } from './batch-norm.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import { depthToSpace, spaceToDepth } from './depth-to-space.ts';
import { gather } from './gather.ts';
import { constant, pad, reshape, softmax, transpose } from './general.ts';
import { layerNorm } from './layer-norm.ts';
import { averagePool, globalAveragePool, maxPool } from './pool.ts';
import { concat, flatten, slice } from './structure.ts';
import { classToken, positionEmbedding, token, tokens } from './tokens.ts';
import { upsample } from './upsample.ts';

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
  gather,
  'depth-to-space': depthToSpace,
  'space-to-depth': spaceToDepth,
  upsample,
  tokens,
  'class-token': classToken,
  'position-embedding': positionEmbedding,
  token,
  attention,
  subtract,
  divide,
  constant,
  reshape,
  transpose,
  softmax,
  pad,
} satisfies Record<string, Op>;

export type OpName = keyof typeof ops;
