import type { Item } from './form.ts';
import type { Reading } from './reading.ts';

/** Reads one kind of ONNX node: what its outputs stand for. */
export type Handler = (r: Reading) => Item | readonly Item[];
