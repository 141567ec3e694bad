import { Cholesky } from './cholesky.ts';

/** A solution of the LASSO at one penalty; between two of a path, factors are linear in the penalty. */
export interface LassoPoint {
  readonly penalty: number;
  /** Factors; not to be kept, the next point has them in the same place. */
  readonly factors: Float64Array;
  /** What is left to explain, by unit: `target - gram factors`. */
  readonly rest: Float64Array;
}

/**
 * Minimises `1/2 f' G f - t' f + penalty |f|` for all penalties, from the one where all factors are 0 down to 0: the
 * points at which a factor leaves 0 or comes back to it (Efron et al. 2004, Least Angle Regression, with the LASSO
 * modification). A unit that others stand for wholly never enters.
 * @param gram G, `[units, units]`, symmetric and positive semidefinite
 * @param target t
 */
export function* lassoPath(gram: Float64Array, target: Float64Array): Generator<LassoPoint> {
  const units = target.length;
  const factors = new Float64Array(units);
  const rest = target.slice();
  const active: number[] = [];
  const signs: number[] = [];
  /** Units that the active ones stand for, until one of these goes. */
  const depends = new Set<number>();
  const cholesky = new Cholesky(units);
  let penalty = rest.reduce((most, pull) => Math.max(most, Math.abs(pull)), 0);
  const negligible = 1e-12 * penalty;
  let entering = rest.findIndex(pull => Math.abs(pull) === penalty);
  for (let step = 0; step < 10 * units && penalty > negligible; step++) {
    if (entering >= 0) {
      const beside = Float64Array.from(active, unit => gram[entering * units + unit]!);
      if (cholesky.append(beside, gram[entering * units + entering]!)) {
        active.push(entering);
        signs.push(Math.sign(rest[entering]!));
        yield { penalty, factors, rest };
      } else depends.add(entering);
    }
    const direction = cholesky.solve(signs);
    const slopes = slopesOf(gram, active, direction);
    const next = nextEvent({ penalty, rest, slopes, factors, active, direction, depends });
    penalty -= next.length;
    for (let unit = 0; unit < units; unit++) rest[unit]! -= next.length * slopes[unit]!;
    active.forEach((unit, i) => (factors[unit]! += next.length * direction[i]!));
    entering = next.entering;
    if (next.leaving >= 0) {
      factors[active[next.leaving]!] = 0;
      cholesky.remove(next.leaving);
      active.splice(next.leaving, 1);
      signs.splice(next.leaving, 1);
      depends.clear();
    }
    yield { penalty, factors, rest };
  }
}

/** How fast what is left to explain falls, by unit. */
function slopesOf(gram: Float64Array, active: readonly number[], direction: Float64Array): Float64Array {
  const units = Math.sqrt(gram.length);
  const slopes = new Float64Array(units);
  active.forEach((unit, i) => {
    const factor = direction[i]!;
    for (let j = 0, at = unit * units; j < units; j++, at++) slopes[j]! += factor * gram[at]!;
  });
  return slopes;
}

interface State {
  readonly penalty: number;
  readonly rest: Float64Array;
  readonly slopes: Float64Array;
  readonly factors: Float64Array;
  readonly active: readonly number[];
  readonly direction: Float64Array;
  readonly depends: ReadonlySet<number>;
}

/** How far the penalty falls until a unit enters, or the one at a place of the active ones leaves; -1 for neither. */
function nextEvent({ penalty, rest, slopes, factors, active, direction, depends }: State) {
  let [length, entering, leaving] = [penalty, -1, -1];
  const inside = new Set(active);
  for (let unit = 0; unit < rest.length; unit++) {
    if (inside.has(unit) || depends.has(unit)) continue;
    for (const side of [1, -1]) {
      const closing = 1 - side * slopes[unit]!;
      if (closing <= 1e-12) continue;
      const until = Math.max(0, (penalty - side * rest[unit]!) / closing);
      if (until < length) [length, entering] = [until, unit];
    }
  }
  active.forEach((unit, i) => {
    const until = -factors[unit]! / direction[i]!;
    if (until > 0 && until < length) [length, entering, leaving] = [until, -1, i];
  });
  return { length, entering, leaving };
}

/** For every unit the largest penalty at which its factor is not 0; 0 where there is none. */
export function lassoEntries(gram: Float64Array, target: Float64Array): Float64Array {
  const entries = new Float64Array(target.length);
  let before = 0;
  for (const { penalty, factors } of lassoPath(gram, target)) {
    // A factor that is not 0 here has left it at the point before.
    for (let unit = 0; unit < entries.length; unit++)
      if (factors[unit] !== 0 && entries[unit] === 0) entries[unit] = before;
    before = penalty;
  }
  return entries;
}
