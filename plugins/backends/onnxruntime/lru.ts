/** A map that keeps the entries used last, up to a number, and says which it drops. */
export class LruMap<V> {
  private readonly entries = new Map<string, V>();

  constructor(
    private readonly capacity: number,
    private readonly dropped: (value: V) => void,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size <= this.capacity) return;
    const [oldest, old] = this.entries.entries().next().value!;
    this.entries.delete(oldest);
    this.dropped(old);
  }

  clear(): void {
    for (const value of this.entries.values()) this.dropped(value);
    this.entries.clear();
  }
}
