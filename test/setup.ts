import * as tf from '@tensorflow/tfjs';

// Production mode: tfjs says nothing about faster backends.
tf.enableProdMode();

export const mochaHooks = {
  async beforeEach(): Promise<void> {
    if (tf.getBackend() !== 'cpu') await tf.setBackend('cpu');
  },
};
