import * as tf from '@tensorflow/tfjs';

// Production mode: tfjs says nothing about faster backends.
tf.enableProdMode();

/** Tests run on the cpu backend; those of another one go back to it. */
export const mochaHooks = {
  async beforeAll(): Promise<void> {
    await tf.setBackend('cpu');
  },
};
