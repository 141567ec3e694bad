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

/** Within the polygon with corners on circles, by turns of the given radii. */
function polygon(radii: readonly number[], corners: number): (u: number, v: number) => boolean {
  const points = Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners;
    const radius = radii[i % radii.length]!;
    return [radius * Math.cos(angle), radius * Math.sin(angle)] as const;
  });
  return (u, v) => {
    let inside = false;
    for (let i = 0, j = corners - 1; i < corners; j = i++) {
      const [ui, vi] = points[i]!;
      const [uj, vj] = points[j]!;
      if (vi > v !== vj > v && u < ((uj - ui) * (v - vi)) / (vj - vi) + ui) inside = !inside;
    }
    return inside;
  };
}

export const figures: readonly Figure[] = [
  { name: 'disc', inside: (u, v) => disc(u, v, 0.8) },
  { name: 'ring', inside: (u, v) => disc(u, v, 0.88) && !disc(u, v, 0.5) },
  { name: 'crescent', inside: (u, v) => disc(u, v, 0.9) && !disc(u - 0.42, v, 0.72) },
  { name: 'square', inside: (u, v) => square(u, v, 0.7) },
  { name: 'frame', inside: (u, v) => square(u, v, 0.74) && !square(u, v, 0.4) },
  { name: 'triangle', inside: polygon([1], 3) },
  { name: 'star', inside: polygon([1, 0.42], 10) },
  { name: 'cross', inside: (u, v) => square(u, v, 0.85) && (Math.abs(u) < 0.28 || Math.abs(v) < 0.28) },
  { name: 'bars', inside: (u, v) => square(u, v, 0.74) && strip(u, 0.74, 5) % 2 === 0 },
  { name: 'checks', inside: (u, v) => square(u, v, 0.78) && (strip(u, 0.78, 3) + strip(v, 0.78, 3)) % 2 === 0 },
];
