export { classification } from './classification.ts';
export { detection } from './detection.ts';
