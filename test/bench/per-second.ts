/** How many calls are done a second, where each of these is called again as soon as it was answered. */
export async function perSecond(calls: readonly (() => Promise<unknown>)[], seconds: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  await Promise.all(
    calls.map(async call => {
      for (; performance.now() - started < 1000 * seconds; done++) await call();
    }),
  );
  return (1000 * done) / (performance.now() - started);
}
