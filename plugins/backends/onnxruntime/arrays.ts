import { allocate, type DataType, type TypedArray } from './value.ts';

/** How many times {@link Arrays.settle} an array waits for its next use. */
const patience = 4;

/** After so long without a run, arrays are let go. */
const idleMs = 3000;

/**
 * Arrays for results, used again once nobody holds what is in them: the system clears the pages of fresh ones, which
 * costs as much as filling them. What was not used for a while is let go.
 */
export class Arrays {
  private free: { readonly array: TypedArray; readonly since: number }[] = [];
  private given: TypedArray[] = [];
  private time = 0;
  private timer: NodeJS.Timeout | undefined;

  /** Bytes that are kept. */
  get bytes(): number {
    const sum = (total: number, array: TypedArray) => total + array.byteLength;
    return this.free.map(({ array }) => array).reduce(sum, 0) + this.given.reduce(sum, 0);
  }

  /** An array of any content. */
  take(dtype: DataType, size: number): TypedArray {
    const { constructor } = allocate(dtype, 0);
    const found = this.free.findIndex(({ array }) => array.length === size && array.constructor === constructor);
    return found < 0 ? allocate(dtype, size) : this.free.splice(found, 1)[0]!.array;
  }

  /** Hands back an array that {@link take} gave; it is used again after the next {@link settle}. */
  give(array: TypedArray): void {
    this.given.push(array);
    this.timer ??= this.watch();
  }

  /** To be called when nothing is pending that reads an array given back. */
  settle(): void {
    this.time++;
    this.free = this.free.filter(({ since }) => this.time - since <= patience);
    for (const array of this.given) this.free.push({ array, since: this.time });
    this.given = [];
  }

  clear(): void {
    this.free = [];
    this.given = [];
  }

  /** Whoever disposes of everything and goes on to something else gets the memory back. */
  private watch(): NodeJS.Timeout {
    const seen = this.time;
    return setTimeout(() => {
      if (this.time === seen) this.clear();
      this.timer = this.bytes > 0 ? this.watch() : undefined;
    }, idleMs).unref();
  }
}
