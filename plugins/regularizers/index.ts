export { bnScale } from './bn-scale.ts';
