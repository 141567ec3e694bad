export { onnx } from './onnx.ts';
export { safetensors } from './safetensors.ts';
