import { decode, encode } from '../../kernel/graph/file.ts';
import type { Format } from '../../kernel/plugin.ts';

/** The project's own files, which `decode` reads again: structure and weights in one safetensors file. */
export const safetensors: Format = {
  kind: 'format',
  id: 'pruningbench',
  title: 'safetensors with the structure of the graph in its metadata',
  extension: '.safetensors',
  write: graph => encode(graph),
  // Eight bytes of length, then JSON.
  recognizes: bytes => bytes.length > 8 && bytes[8] === 0x7b,
  read: bytes => decode(bytes),
};
