import type * as tf from '@tensorflow/tfjs';

interface Pending {
  readonly step: number;
  readonly size: number;
  readonly loss: tf.Scalar;
}

/** Steps whose losses may wait to be read: reading makes a backend that works ahead wait. */
const mostPending = 8;
const mostMilliseconds = 500;

/** Sum of the losses of an epoch's images. */
export interface LossSum {
  readonly sum: number;
  readonly images: number;
}

/**
 * Losses of an epoch, read a few steps late. Throws at the first that is not finite, with its step and the last finite
 * loss. Dispose it when done.
 */
export class Losses {
  #sum: number;
  #images: number;
  #smooth: number | undefined;
  #last: { step: number; loss: number } | undefined;
  #pending: Pending[] = [];
  #read = performance.now();
  readonly #place: (step: number) => string;

  /** `place` says for messages where a step is, as in `step 12 (epoch 2, batch 4)`. */
  constructor(place: (step: number) => string, from: LossSum = { sum: 0, images: 0 }) {
    this.#place = place;
    this.#sum = from.sum;
    this.#images = from.images;
  }

  /** Running mean of the steps read so far, of which the first is one; NaN before it. */
  get smooth(): number {
    return this.#smooth ?? NaN;
  }

  get total(): LossSum {
    return { sum: this.#sum, images: this.#images };
  }

  /** Takes over the tensor of a step's mean loss over `size` images. */
  async add(step: number, size: number, loss: tf.Scalar): Promise<void> {
    this.#pending.push({ step, size, loss });
    const due = this.#pending.length >= mostPending || performance.now() - this.#read > mostMilliseconds;
    if (due || this.#smooth === undefined) await this.flush();
  }

  /** Reads what is pending. */
  async flush(): Promise<void> {
    while (this.#pending.length > 0) {
      const { step, size, loss } = this.#pending[0]!;
      const value = (await loss.data())[0]!;
      loss.dispose();
      this.#pending.shift();
      if (!Number.isFinite(value)) throw new Error(this.#message(step, value));
      this.#sum += value * size;
      this.#images += size;
      this.#smooth = this.#smooth === undefined ? value : 0.9 * this.#smooth + 0.1 * value;
      this.#last = { step, loss: value };
    }
    this.#read = performance.now();
  }

  /** Starts the next epoch. */
  reset(): void {
    this.#sum = 0;
    this.#images = 0;
  }

  dispose(): void {
    for (const { loss } of this.#pending) loss.dispose();
    this.#pending = [];
  }

  #message(step: number, value: number): string {
    const before = this.#last
      ? `the last finite loss was ${this.#last.loss} at ${this.#place(this.#last.step)}`
      : 'no loss of this run before it';
    return `loss is ${value} at ${this.#place(step)}; ${before}`;
  }
}
