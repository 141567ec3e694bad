import { decode, encode } from '../../kernel/graph/file.ts';
import type { Format } from '../../kernel/plugin.ts';
import { isSafetensors } from '../../kernel/safetensors.ts';

/** The project's own files, which `decode` reads again: structure and weights in one safetensors file. */
export const safetensors: Format = {
  kind: 'format',
  id: 'pruningbench',
  title: 'safetensors with the structure of the graph in its metadata',
  extension: '.safetensors',
  write: graph => encode(graph),
  recognizes: isSafetensors,
  read: bytes => decode(bytes),
};
