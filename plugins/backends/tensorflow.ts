import util from 'node:util';
import { requireNative } from '../../kernel/native.ts';
import type { Backend } from '../../kernel/plugin.ts';

/** The native packages in order of preference. */
const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** libtensorflow by `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node`, which are not installed with this package. */
export const tensorflow: Backend = {
  kind: 'backend',
  id: 'tensorflow',
  title: 'TensorFlow, on an NVIDIA GPU or the CPU',
  // On a CPU, onnxruntime is faster and takes less memory.
  turn: () => (isInstalled(packages[0]!) ? 0 : 2),
  async register({ threads }) {
    // These are read when the library is loaded.
    if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
    process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
    process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1';
    restoreUtil();
    const reasons: string[] = [];
    for (const name of packages) {
      try {
        requireNative(name);
        const { registerBatchNorm } = await import('./tensorflow-batch-norm.ts');
        return registerBatchNorm();
      } catch (error) {
        if (!isAbsent(error, name)) reasons.push(`${name} does not load: ${(error as Error).message.split('\n')[0]}`);
      }
    }
    throw new Error(
      reasons.length > 0
        ? reasons.join('; ')
        : `not installed: npm install ${packages[0]}@4.22.0 (NVIDIA GPU), ` +
            `npm install ${packages[1]}@4.22.0, or npm run setup:tensorflow in a clone of pruningbench`,
    );
  },
};

/** These packages call two functions that Node.js 23 no longer has and that Node.js 22 warns about. */
function restoreUtil(): void {
  const isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  Object.assign(util, { isArray: Array.isArray, isNullOrUndefined });
}

function isInstalled(name: string): boolean {
  try {
    requireNative.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is the package itself that was not found. */
function isAbsent(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'MODULE_NOT_FOUND' && message.includes(`'${name}'`);
}
