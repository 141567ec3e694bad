import { z } from 'zod';
import { defineStrategy } from '../../kernel/plugin.ts';
import { rankTogether } from '../../kernel/prune/select.ts';

export const global = defineStrategy({
  id: 'global',
  title: 'one ranking over all groups',
  keep: (groups, left) => rankTogether(groups, left, () => 1),
});

const protectedOptions = z.object({
  floor: z.number().min(0).max(1).default(0.1).describe('share of its original units that a group keeps at least'),
});

/** The paper's base setting. */
export const protectedGlobal = defineStrategy<z.infer<typeof protectedOptions>>({
  id: 'protected-global',
  title: 'one ranking over all groups, none of which falls below a tenth of its units',
  options: protectedOptions,
  keep: (groups, left, { floor }) => rankTogether(groups, left, group => Math.ceil(group.original * floor)),
});
