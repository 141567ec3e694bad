import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Folder of this package, installed or a clone. */
export const packageFolder = dirname(createRequire(import.meta.url).resolve('pruningbench/package.json'));

/** Where `npm run setup:tensorflow` puts what it builds: `npm install` would remove it from `node_modules`. */
export const tensorflowFolder = join(packageFolder, '.tensorflow');

/** Finds packages there first, then where this package finds them. */
export const requireNative = createRequire(join(tensorflowFolder, 'index.js'));
