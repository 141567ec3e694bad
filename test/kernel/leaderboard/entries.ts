import { recordSchema, type RunRecord } from '../../../kernel/bench/record.ts';
import { entryId, pathOf, type Entry } from '../../../kernel/leaderboard/entry.ts';
import type { Stored } from '../../../kernel/leaderboard/store.ts';
import { recordOf } from '../bench/records.ts';

/** An entry with what a test is about. Its records are of no model there is. */
export function entryOf(
  change: Partial<Entry> = {},
  records: readonly RunRecord[] = [recordOf({ criterion: 'a', score: 0.8 })],
): Entry {
  const content = {
    version: 1 as const,
    submitted: '2026-01-02T00:00:00.000Z',
    by: 'A. Name',
    division: 'open' as const,
    recipe: 'as it came',
    links: {},
    plugins: [],
    supersedes: null,
    records: records.map(record => recordSchema.parse(record)),
    verifications: [],
    ...change,
  };
  return { ...content, id: change.id ?? entryId(content) };
}

export const stored = (entry: Entry): Stored => ({ file: `boards/${pathOf(entry)}`, entry });
