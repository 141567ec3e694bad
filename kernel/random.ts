/** A seeded stream of random numbers (sfc32); the same seed and name give the same stream everywhere. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Normal with mean 0 and deviation 1. */
  normal(): number;
  /** Uniform whole number in [0, n). */
  integer(n: number): number;
  /** A stream that is independent of this one and of streams with other names. */
  fork(name: string): Random;
}

/** How many seeds there are: those from 0 on below this. */
export const seeds = 2 ** 32;

/** Throws where the seed is none: what lies outside of 32 bits would give the stream of another. */
export function random(seed: number, name = ''): Random {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < seeds))
    throw new RangeError(`seed ${seed}: must be a whole number from 0 to ${seeds - 1}`);
  let a = hash(name, 0x9e3779b9 ^ seed);
  let b = hash(name, 0x243f6a88 + seed);
  let c = seed | 0;
  let counter = 1;
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  let spare = NaN;
  return {
    uniform: next,
    integer: n => Math.floor(next() * n),
    normal() {
      if (!Number.isNaN(spare)) {
        const value = spare;
        spare = NaN;
        return value;
      }
      let x, y, r;
      do {
        x = 2 * next() - 1;
        y = 2 * next() - 1;
        r = x * x + y * y;
      } while (r >= 1 || r === 0);
      const scale = Math.sqrt((-2 * Math.log(r)) / r);
      spare = y * scale;
      return x * scale;
    },
    fork: child => random(seed, `${name}/${child}`),
  };
}

/** FNV-1a over the characters. */
function hash(text: string, start: number): number {
  let h = (start ^ 0x811c9dc5) | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}

/** The numbers from 0 to n - 1 in random order (Fisher-Yates). */
export function permutation(n: number, source: Random): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = source.integer(i + 1);
    const swap = order[i]!;
    order[i] = order[j]!;
    order[j] = swap;
  }
  return order;
}
