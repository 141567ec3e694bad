interface Entry<V> {
  readonly value: V;
  readonly weight: number;
}

/** A map that keeps the entries used last, up to a number and a weight in all, and says which it drops. */
export class LruMap<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private total = 0;

  constructor(
    private readonly capacity: number,
    private readonly maxWeight: number,
    private readonly dropped: (value: V) => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  /** The weight of all entries. */
  get weight(): number {
    return this.total;
  }

  get(key: string): V | undefined {
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry?.value;
  }

  /** Sets an entry that is not there; it stays, however heavy it is. */
  set(key: string, value: V, weight = 0): void {
    this.entries.set(key, { value, weight });
    this.total += weight;
    for (const [oldest, old] of this.entries) {
      const fits = this.entries.size <= this.capacity && this.total <= this.maxWeight;
      if (fits || oldest === key) return;
      this.entries.delete(oldest);
      this.total -= old.weight;
      this.dropped(old.value);
    }
  }

  clear(): void {
    for (const { value } of this.entries.values()) this.dropped(value);
    this.entries.clear();
    this.total = 0;
  }
}
