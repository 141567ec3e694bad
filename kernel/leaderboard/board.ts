import { standings, type Standing } from '../bench/leaderboard.ts';
import { protocolSchema } from '../bench/protocol.ts';
import type { RunRecord } from '../bench/record.ts';
import type { Entry } from './entry.ts';
import { statusOf } from './outcome.ts';
import { current, type Stored } from './store.ts';

/**
 * Ranks the entries that no other supersedes, a line for each. In the open division everybody has a protocol of their
 * own, so that it sets none apart there; and what computed a result is no part of its recipe.
 */
export function entryStandings(stored: readonly Stored[]): Standing[] {
  const entries = current(stored).map(({ entry }) => entry);
  const entryOf = new Map(entries.flatMap(entry => entry.records.map(({ id }) => [id, entry] as const)));
  const records = entries.flatMap(entry => entry.records.map(record => comparable(entry, record)));
  return standings(records, ({ id }) => {
    const entry = entryOf.get(id)!;
    return { entry: entry.id, by: entry.by, division: entry.division, status: statusOf(entry) };
  });
}

function comparable({ division }: Entry, record: RunRecord): RunRecord {
  const { protocol } = record.configuration;
  const own = { ...protocolSchema.parse({ name: 'own-recipe' }), count: protocol.count };
  return {
    ...record,
    configuration: { ...record.configuration, backend: 'any', protocol: division === 'open' ? own : protocol },
  };
}
