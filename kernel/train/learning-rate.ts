import { z } from 'zod';

const warmup = z.number().min(0).default(0).describe('epochs in which the rate rises linearly to its full value');

const final = z.number().min(0).default(0).describe('rate at the end, as a share of the full one');

export const scheduleOptions = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('milestones'),
    milestones: z
      .array(z.number().positive())
      .default([0.6, 0.8])
      .describe('epochs after which the rate falls; numbers below 1 are shares of all epochs'),
    gamma: z.number().positive().default(0.1).describe('factor at a milestone'),
    warmup,
  }),
  z.strictObject({ kind: z.literal('cosine'), final, warmup }),
  z.strictObject({ kind: z.literal('linear'), final, warmup }),
]);
export type ScheduleOptions = z.infer<typeof scheduleOptions>;

/**
 * The learning rate of every step, counted from 0 over all epochs. Milestones act between epochs; warm-up, cosine and
 * linear fall act from step to step, the latter two after the warm-up.
 */
export function learningRates(
  schedule: ScheduleOptions,
  full: number,
  epochs: number,
  stepsPerEpoch: number,
): (step: number) => number {
  const warm = Math.round(schedule.warmup * stepsPerEpoch);
  const decay =
    schedule.kind === 'milestones'
      ? steps(schedule, epochs, stepsPerEpoch)
      : fall(schedule, warm, epochs * stepsPerEpoch);
  return step => full * decay(step) * (step < warm ? (step + 1) / warm : 1);
}

type Decay = (step: number) => number;

function steps(
  { milestones, gamma }: Extract<ScheduleOptions, { kind: 'milestones' }>,
  epochs: number,
  stepsPerEpoch: number,
): Decay {
  const at = milestones.map(m => (m < 1 ? Math.round(m * epochs) : m));
  return step => gamma ** at.filter(m => step >= m * stepsPerEpoch).length;
}

function fall({ kind, final }: Exclude<ScheduleOptions, { kind: 'milestones' }>, warm: number, total: number): Decay {
  return step => {
    const done = Math.max(0, step - warm) / Math.max(1, total - warm);
    return final + (1 - final) * (kind === 'cosine' ? 0.5 * (1 + Math.cos(Math.PI * done)) : 1 - done);
  };
}
