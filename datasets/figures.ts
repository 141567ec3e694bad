/** A figure about the origin, within a circle of radius 1. */
export interface Figure {
  readonly name: string;
  inside(u: number, v: number): boolean;
}

const box = (u: number, v: number): number => Math.max(Math.abs(u), Math.abs(v));
const square = (u: number, v: number, half: number): boolean => box(u, v) < half;
const disc = (u: number, v: number, radius: number): boolean => u * u + v * v < radius * radius;
/** Which of `n` equal strips of [-half, half] a value is in. */
const strip = (value: number, half: number, n: number): number => Math.floor(((value + half) / (2 * half)) * n);

/** Within at least `needed` of `n` half-planes whose edges are at a distance from the origin, all around it. */
function halfPlanes(n: number, distance: number, needed: number): (u: number, v: number) => boolean {
  const angles = Array.from({ length: n }, (_, i) => (2 * Math.PI * i) / n);
  const cos = Float64Array.from(angles, Math.cos);
  const sin = Float64Array.from(angles, Math.sin);
  return (u, v) => {
    let within = 0;
    for (let i = 0; i < n; i++) if (u * cos[i]! + v * sin[i]! < distance) within++;
    return within >= needed;
  };
}

export const figures: readonly Figure[] = [
  { name: 'disc', inside: (u, v) => disc(u, v, 0.8) },
  { name: 'ring', inside: (u, v) => disc(u, v, 0.88) && !disc(u, v, 0.5) },
  { name: 'crescent', inside: (u, v) => disc(u, v, 0.9) && !disc(u - 0.42, v, 0.72) },
  { name: 'square', inside: (u, v) => square(u, v, 0.7) },
  { name: 'frame', inside: (u, v) => square(u, v, 0.74) && !square(u, v, 0.4) },
  { name: 'triangle', inside: halfPlanes(3, 0.5, 3) },
  { name: 'star', inside: halfPlanes(5, 0.32, 4) },
  { name: 'cross', inside: (u, v) => square(u, v, 0.85) && (Math.abs(u) < 0.28 || Math.abs(v) < 0.28) },
  { name: 'bars', inside: (u, v) => square(u, v, 0.74) && strip(u, 0.74, 5) % 2 === 0 },
  { name: 'checks', inside: (u, v) => square(u, v, 0.78) && (strip(u, 0.78, 3) + strip(v, 0.78, 3)) % 2 === 0 },
];
