/*
 * Per-channel arithmetic on blocked images: an affine map is a depthwise convolution by single elements, a sum of
 * products a convolution of every channel by another image's. Vectors are padded with zeros as the images are.
 */
import type { Emitter } from '../emitter.ts';
import { roundUp } from '../layout.ts';
import { blockedConv } from './convolution-blocked.ts';

interface AffineOptions {
  readonly bias?: string;
  readonly sum?: string;
  readonly activation?: 'Relu' | undefined;
}

/** Arithmetic for images of one shape, given in logical order. */
export class BlockedChannels {
  /** Places per channel. */
  readonly places: number;
  private readonly count: number;
  private readonly channels: number;
  private readonly full: number;
  private readonly size: readonly [number, number];

  constructor(
    private readonly e: Emitter,
    shape: readonly number[],
  ) {
    const [n, h, w, c] = shape as [number, number, number, number];
    this.places = n * h * w;
    this.count = n;
    this.channels = c;
    this.full = roundUp(c, e.target.block);
    this.size = [h, w];
  }

  /** A vector filled up with zeros. */
  pad(vector: string): string {
    return this.e.pad(vector, [0], [this.full - this.channels]);
  }

  /** A vector without what filled it up. */
  unpad(vector: string): string {
    return this.full === this.channels ? vector : this.e.slice(vector, [0], [0], [this.channels]);
  }

  /** The mean of every channel. */
  mean(x: string): string {
    const means = this.e.reshape(this.e.nchwc('GlobalAveragePool', [x]), [this.count, this.full]);
    return this.e.reduce('ReduceMean', means, [0]);
  }

  /** x times factor plus bias, plus another image. */
  affine(x: string, factor: string, options: AffineOptions): string {
    const filter = this.e.reshape(factor, [this.full, 1, 1, 1]);
    return blockedConv(this.e, x, filter, { kernel: [1, 1], group: this.full, ...options });
  }

  /** x minus a vector. Zero minus zero stays zero, so ones will do for the padding too. */
  minus(x: string, vector: string): string {
    const ones = this.e.graph.constant('float32', [this.full, 1, 1, 1], new Float32Array(this.full).fill(1));
    const bias = this.e.op('Neg', [vector]);
    return blockedConv(this.e, x, ones, { kernel: [1, 1], group: this.full, bias });
  }

  /** The sum over every channel of x times y. */
  dot(x: string, y: string): string {
    const group = this.count * this.full;
    const image = this.e.reshape(x, [1, group, ...this.size]);
    const filter = this.e.reshape(y, [group, 1, ...this.size]);
    const products = blockedConv(this.e, image, filter, { kernel: this.size, group });
    return this.e.reduce('ReduceSum', this.e.reshape(products, [this.count, this.full]), [0]);
  }
}
