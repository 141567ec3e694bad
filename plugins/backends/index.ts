export { cpu } from './cpu.ts';
export { onnxruntime } from './engine.ts';
export { tensorflow } from './tensorflow.ts';
