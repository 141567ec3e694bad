import type { OpName } from './ops/index.ts';

/**
 * The channels of a value, one integer per place of its last axis; the same integer is the same channel.
 * `zero` says that a channel is 0 here whenever its producers (weights, biases, norm scales and shifts) are 0.
 */
export interface Channels {
  readonly ids: Int32Array;
  readonly zero: boolean;
}

/** What a unit removes from a parameter's axis, seen from the layer that owns the parameter. */
export type Role = 'out' | 'in' | 'bias' | 'scale' | 'offset' | 'statistic' | 'embedding';

/** One axis of a parameter with the channel of each index. */
export interface Place {
  readonly parameter: string;
  readonly axis: number;
  readonly role: Role;
  /** Op of the layer that owns the parameter. */
  readonly op: OpName;
  readonly ids: Int32Array;
}

/** Union-find over channels. The classes at the end are the coupled channels: they live and die together. */
export class Coupling {
  #parent = new Int32Array(1024);
  #count = 0;
  readonly places: Place[] = [];
  readonly parts: Int32Array[] = [];
  /** Op of the layer whose places are being stated. */
  op: OpName = 'conv';
  readonly #protected: { ids: Int32Array; reason: string }[] = [];

  /** New channels, coupled with nothing. */
  fresh(count: number): Int32Array {
    if (this.#count + count > this.#parent.length) {
      const grown = new Int32Array(Math.max(this.#parent.length * 2, this.#count + count));
      grown.set(this.#parent);
      this.#parent = grown;
    }
    const ids = new Int32Array(count);
    for (let i = 0; i < count; i++) ids[i] = this.#parent[this.#count] = this.#count++;
    return ids;
  }

  /** The channel that stands for the class of `id`. */
  find(id: number): number {
    const parent = this.#parent;
    while (parent[id] !== id) id = parent[id] = parent[parent[id]!]!;
    return id;
  }

  /** Couples two lists of channels place by place. */
  tie(a: Int32Array, b: Int32Array): void {
    if (a.length !== b.length) throw new RangeError(`cannot couple ${a.length} channels with ${b.length}`);
    for (let i = 0; i < a.length; i++) {
      const x = this.find(a[i]!);
      const y = this.find(b[i]!);
      if (x < y) this.#parent[y] = x;
      else this.#parent[x] = y;
    }
  }

  /** Says which channels the indices of a parameter's axis belong to. */
  place(parameter: string, axis: number, role: Role, ids: Int32Array): void {
    this.places.push({ parameter, axis, role, op: this.op, ids });
  }

  /** Channels of which some must stay: they form groups of their own, none of which a cut leaves empty. */
  part(ids: Int32Array): void {
    this.parts.push(ids);
  }

  /** These channels stay, for a reason that can be asked for. */
  protect(ids: Int32Array, reason: string): void {
    this.#protected.push({ ids, reason });
  }

  /**
   * `reader` multiplies these channels with weights, so leaving a channel out equals its being 0. Where a channel is
   * not 0 when its producers are, it cannot be left out and is protected.
   */
  consume(channels: Channels, reader: string): void {
    if (!channels.zero) this.protect(channels.ids, `${reader} reads it after an op that does not keep 0 at 0`);
  }

  /** First reason of protection by class. */
  reasons(): Map<number, string> {
    const reasons = new Map<number, string>();
    for (const { ids, reason } of this.#protected)
      for (const id of ids) {
        const root = this.find(id);
        if (!reasons.has(root)) reasons.set(root, reason);
      }
    return reasons;
  }

  get size(): number {
    return this.#count;
  }
}
