/** Those that no other beats: none has less of `cost` and at least as much of `worth`, or as little and more. */
export function paretoFront<T>(items: readonly T[], cost: (item: T) => number, worth: (item: T) => number): T[] {
  const sorted = [...items].sort((a, b) => cost(a) - cost(b) || worth(b) - worth(a));
  let best = -Infinity;
  let at = NaN;
  return sorted.filter(item => {
    const kept = worth(item) > best || (worth(item) === best && cost(item) === at);
    if (kept) [best, at] = [worth(item), cost(item)];
    return kept;
  });
}
