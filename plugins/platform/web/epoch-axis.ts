const last = "domain('x')[1]";
const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const step = steps.reduceRight((rest, one) => `${last} <= ${10 * one} ? ${one} : (${rest})`, '1000');
const first = `ceil(domain('x')[0] / (${step})) * (${step})`;

/** Ticks at whole epochs only: those that Vega makes of few have fractions. */
export const epochAxis = {
  format: 'd',
  grid: false,
  values: { expr: `sequence(${first}, ${last} + 0.5, ${step})` },
};
