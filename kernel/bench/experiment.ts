import { planSchema, type Plan, type PlanInput } from './plan.ts';

/**
 * Sizes of an experiment: `smoke` shows that everything runs, `laptop` compares small cousins in hours, `paper` has
 * the paper's network and data, and its schedules where it gives them.
 */
export const profileNames = ['smoke', 'laptop', 'paper'] as const;
export type ProfileName = 'smoke' | 'laptop' | 'paper';

/** A table of the paper, to be made anew. */
export interface Experiment {
  readonly kind: 'experiment';
  readonly id: string;
  readonly title: string;
  /** What it asks and what to look for, a paragraph of Markdown. */
  readonly about: string;
  /** Model and data set of the published rows of this table, all of which are of the strategy protected-global. */
  readonly published: { readonly model: string; readonly dataset: string };
  readonly profiles: Readonly<Record<ProfileName, Plan>>;
}

/** An experiment of the paper; its plans are checked and completed. */
export const defineExperiment = ({
  profiles,
  ...rest
}: Omit<Experiment, 'kind' | 'profiles'> & {
  readonly profiles: Readonly<Record<ProfileName, PlanInput>>;
}): Experiment => ({
  kind: 'experiment',
  ...rest,
  profiles: {
    smoke: planSchema.parse(profiles.smoke),
    laptop: planSchema.parse(profiles.laptop),
    paper: planSchema.parse(profiles.paper),
  },
});
