export type Reduction = 'mean' | 'sum' | 'max' | 'prod' | 'first' | 'none';
