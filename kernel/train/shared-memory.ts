type Numbers = Uint8Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** Bytes that threads can share without copying. */
export const sharedBytes = (length: number): Uint8Array<SharedArrayBuffer> =>
  new Uint8Array(new SharedArrayBuffer(length));

/** The same numbers in memory that threads share; copied where they are not there already. */
export function shared<A extends Numbers>(numbers: A): A {
  if (numbers.buffer instanceof SharedArrayBuffer) return numbers;
  const Kind = numbers.constructor as new (buffer: SharedArrayBuffer) => A;
  const copy = new Kind(new SharedArrayBuffer(numbers.byteLength));
  copy.set(numbers);
  return copy;
}
