import type { Graph } from '../graph/graph.ts';
import type { Group, Member } from '../graph/groups.ts';
import { checked, reduceMembers, scoringMembers, type Scoring } from './score.ts';
import { normalizations } from './normalize.ts';

/**
 * Scores of a criterion that sums a function of single weights, kept up to date while units are removed: what a removed
 * slice took part in is subtracted, and no weight is read twice.
 */
export class Follower {
  readonly #groups: readonly Group[];
  readonly #members: readonly (readonly Member[])[];
  readonly #scoring: Scoring;
  readonly #tables = new Map<string, Table>();
  /** By group: the tables its units are cut from, whether or not their axis scores. */
  readonly #touched: readonly (readonly { table: Table; axis: 0 | 1; units: Int32Array }[])[];
  readonly #alive: readonly Uint8Array[];

  constructor(graph: Graph, groups: readonly Group[], scoring: Scoring) {
    this.#groups = groups;
    this.#scoring = scoring;
    this.#members = groups.map(group => scoringMembers(scoring.criterion, group));
    const f = (w: number) => scoring.criterion.element!(w, scoring.options);
    for (const { parameter } of this.#members.flat())
      if (!this.#tables.has(parameter)) {
        const { values, shape } = graph.parameters.get(parameter)!;
        this.#tables.set(parameter, new Table(values, shape, f));
      }
    this.#touched = groups.map(group =>
      group.members.flatMap(({ parameter, axis, units }) => {
        const table = this.#tables.get(parameter);
        return table ? [{ table, axis: table.axis(axis), units }] : [];
      }),
    );
    this.#alive = groups.map(group => new Uint8Array(group.units).fill(1));
  }

  /** Scores of the units of each group that are left, in their order. */
  scores(): Float64Array[] {
    const { reduce, normalize } = this.#scoring;
    return this.#groups.map((group, g) => {
      const local = this.#members[g]!.map(({ parameter, axis }) => {
        const table = this.#tables.get(parameter)!;
        return table.sums[table.axis(axis)];
      });
      const alive = this.#alive[g]!;
      const scores = checked(this.#scoring.criterion, group, reduceMembers(group, this.#members[g]!, local, reduce));
      return normalizations[normalize](scores.filter((_, unit) => alive[unit]));
    });
  }

  remove(group: number, units: readonly number[]): void {
    const gone = new Uint8Array(this.#groups[group]!.units);
    for (const unit of units) {
      this.#alive[group]![unit] = 0;
      gone[unit] = 1;
    }
    for (const { table, axis, units: unitOf } of this.#touched[group]!)
      for (let index = 0; index < unitOf.length; index++)
        if (unitOf[index]! >= 0 && gone[unitOf[index]!]) table.remove(axis, index);
  }
}

/** Sums of f over the last two axes of a parameter, by pair of indices, and their row and column sums. */
class Table {
  readonly #rows: number;
  readonly #columns: number;
  readonly #rank: number;
  readonly #cells: Float64Array;
  readonly #gone: readonly [Uint8Array, Uint8Array];
  readonly sums: readonly [Float64Array, Float64Array];

  constructor(values: Float32Array, shape: readonly number[], f: (w: number) => number) {
    this.#rank = shape.length;
    this.#columns = shape[shape.length - 1]!;
    this.#rows = shape.length > 1 ? shape[shape.length - 2]! : 1;
    const size = this.#rows * this.#columns;
    this.#cells = new Float64Array(size);
    for (let i = 0, cell = 0; i < values.length; i++) {
      this.#cells[cell]! += f(values[i]!);
      if (++cell === size) cell = 0;
    }
    this.#gone = [new Uint8Array(this.#rows), new Uint8Array(this.#columns)];
    this.sums = [new Float64Array(this.#rows), new Float64Array(this.#columns)];
    for (let row = 0, cell = 0; row < this.#rows; row++)
      for (let column = 0; column < this.#columns; column++, cell++) {
        this.sums[0][row]! += this.#cells[cell]!;
        this.sums[1][column]! += this.#cells[cell]!;
      }
  }

  /** 0 for the last but one axis of the parameter, 1 for the last. */
  axis(axis: number): 0 | 1 {
    const from = axis - (this.#rank - 2);
    if (from !== 0 && from !== 1)
      throw new RangeError(`cannot follow axis ${axis} of a parameter of rank ${this.#rank}`);
    return from;
  }

  remove(axis: 0 | 1, index: number): void {
    if (this.#gone[axis][index]) return;
    this.#gone[axis][index] = 1;
    const across = axis === 0 ? 1 : 0;
    const [step, start] = axis === 0 ? [1, index * this.#columns] : [this.#columns, index];
    const sums = this.sums[across];
    const gone = this.#gone[across];
    for (let i = 0, cell = start; i < sums.length; i++, cell += step) if (!gone[i]) sums[i]! -= this.#cells[cell]!;
  }
}
