import type { Ranked, Strategy } from '../plugin.ts';
import { parseOptions } from '../options.ts';
import { random } from '../random.ts';
import { ensure, type Check } from './check.ts';

/** Groups in the middle of schedules: some with few units left, some with equal scores. */
function* rankings(): Generator<Ranked[]> {
  const source = random(3, 'rankings');
  for (let trial = 0; trial < 100; trial++)
    yield Array.from({ length: 1 + source.integer(6) }, (_, g) => {
      const scores = Float64Array.from({ length: 1 + source.integer(30) }, () => source.integer(10));
      return { id: `group${g}`, original: scores.length + source.integer(20), scores };
    });
}

/** What a strategy must do. */
export const strategyChecks: readonly Check<Strategy>[] = [
  {
    name: 'keeps between one and all units of every group, and more when more shall be left',
    run(strategy) {
      const options = parseOptions(strategy);
      const source = random(4, 'shares');
      for (const groups of rankings()) {
        const shares = [source.uniform(), source.uniform()].sort((a, b) => a - b);
        const [less, more] = shares.map(share => strategy.keep(groups, share, options)) as [number[], number[]];
        groups.forEach(({ id, scores }, g) => {
          ensure(
            Number.isInteger(less[g]) && less[g]! >= 1 && less[g]! <= scores.length,
            () => `${id} keeps ${less[g]} of ${scores.length} units`,
          );
          ensure(
            less[g]! <= more[g]!,
            () => `${id} keeps ${less[g]} where ${shares[0]} is left, ${more[g]} where ${shares[1]} is`,
          );
        });
      }
    },
  },
];
