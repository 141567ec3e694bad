import type { Constant } from './constant.ts';
import { showDims, dimsOf, type Value } from './value.ts';

/**
 * A value that is only a part of a layer, such as the variance inside a decomposed layer norm: nothing is written for it
 * until the layer is whole.
 */
export type Form = { readonly kind: 'form'; readonly factor: number } & (
  | { readonly what: 'mean' | 'centred' | 'squared' | 'variance'; readonly x: Value; readonly axis: number }
  | {
      readonly what: 'padded variance' | 'deviation' | 'inverse deviation' | 'normal';
      readonly x: Value;
      readonly axis: number;
      readonly epsilon: number;
      readonly scale?: Constant;
    }
  | { readonly what: 'erf' | 'erf + 1'; readonly x: Value }
  | {
      readonly what: 'scores' | 'weights';
      readonly q: Value;
      readonly k: Value;
      readonly scale: number;
      /** Dims of the scores, `[batch, heads, queries, keys]`. */
      readonly dims: Value['dims'];
    }
);

/** Whatever a name in the file stands for. */
export type Item = Constant | Value | Form;

export const show = (item: Item): string => {
  if (item.kind === 'form') return item.what;
  return showDims(item.kind === 'constant' ? item.dims : dimsOf(item));
};

/** Whether two values are the same one, laid out the same. */
export const isSame = (a: Value, b: Value): boolean =>
  a.id === b.id &&
  a.dims.length === b.dims.length &&
  dimsOf(a).every((n, i) => n === dimsOf(b)[i]) &&
  a.dims.every((axis, i) => axis.every((atom, j) => positionOf(a, atom) === positionOf(b, b.dims[i]![j])));

const positionOf = ({ axes }: Value, atom: unknown) => axes.flat().indexOf(atom as never);
