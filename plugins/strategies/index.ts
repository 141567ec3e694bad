export { global, protectedGlobal } from './global.ts';
export { local } from './local.ts';
