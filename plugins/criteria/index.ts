export { bnScale } from './bn-scale.ts';
export { fpgm } from './fpgm.ts';
export { lamp } from './lamp.ts';
export { magnitudeL1, magnitudeL2 } from './magnitude.ts';
export { random } from './random.ts';
