/** TensorFlow.js with this backend chosen: what a program needs that imports `@tensorflow/tfjs` and nothing else. */
import * as tf from '@tensorflow/tfjs';
import { register } from './index.ts';

register();
await tf.setBackend('onnxruntime');

export * from '@tensorflow/tfjs';
