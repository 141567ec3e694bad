import type { z } from 'zod';
import { recordSchema, type RunRecord } from '../../../kernel/bench/record.ts';

const { base, pruned } = recordSchema.shape;

/** What the table of runs keeps of a record for lists and leaderboards: nothing that grows with epochs or channels. */
export const summarySchema = recordSchema
  .omit({ groups: true, sparsified: true })
  .extend({ base: base.omit({ history: true }), pruned: pruned.omit({ history: true }) });
export type Summary = z.infer<typeof summarySchema>;

/** A record that says what a summary says. */
export const asRecord = ({ base, pruned, ...rest }: Summary): RunRecord => ({
  ...rest,
  base: { ...base, history: [] },
  sparsified: null,
  pruned: { ...pruned, history: [] },
  groups: [],
});
