export { bnScale } from './bn-scale.ts';
export { groupLasso } from './group-lasso.ts';
export { groupNorm } from './group-norm.ts';
export { growingReg } from './growing-reg.ts';
