export * from './builder.ts';
export { elementTypes, type ElementType } from './schema.ts';
