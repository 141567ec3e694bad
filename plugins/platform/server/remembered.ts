/** The last results by key. What is asked for twice at once is made once; failures are forgotten. */
export class Remembered<T> {
  readonly #most: number;
  readonly #known = new Map<string, Promise<T>>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#known.get(key) ?? this.#made(key, make);
    // the one that was used last is the last to go
    this.#known.delete(key);
    this.#known.set(key, known);
    for (const oldest of this.#known.keys())
      if (this.#known.size > this.#most) this.#known.delete(oldest);
      else break;
    return known;
  }

  #made(key: string, make: () => Promise<T>): Promise<T> {
    const made = make();
    made.catch(() => {
      if (this.#known.get(key) === made) this.#known.delete(key);
    });
    return made;
  }
}
