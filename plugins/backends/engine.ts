import type { Backend } from '../../kernel/plugin.ts';

/** The backend of the folder `onnxruntime`, which knows nothing of this project. */
export const onnxruntime: Backend = {
  kind: 'backend',
  id: 'onnxruntime',
  title: 'ONNX Runtime: trains and infers with nothing but npm',
  turn: () => 1,
  hasProviders: true,
  async register(options) {
    const { register } = await import('./onnxruntime/index.ts');
    register(options);
  },
};
