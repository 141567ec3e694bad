import type { Backend } from '../../kernel/plugin.ts';

/** tfjs's own kernels in JavaScript: slow, and always there. */
export const cpu: Backend = {
  kind: 'backend',
  id: 'cpu',
  title: 'plain JavaScript, one thread',
  turn: () => 3,
  async register() {
    await import('@tensorflow/tfjs');
  },
};
