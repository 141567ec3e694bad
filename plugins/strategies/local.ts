import { defineStrategy } from '../../kernel/plugin.ts';

export const local = defineStrategy({
  id: 'local',
  title: 'every group loses the same share of its units',
  keep: (groups, left) =>
    groups.map(({ original, scores }) => Math.min(scores.length, Math.max(1, Math.round(original * left)))),
});
