import type { Describe } from './command.ts';

interface Entry {
  readonly summary: string;
  /** Loads the file of the command, which exports how it is described under the command's name. */
  readonly load: () => Promise<Describe>;
}

/** Commands by name, in the order of the help. */
export type Commands = Readonly<Record<string, Entry>>;

/** The kernel's commands; the file of each is loaded when it is called. */
export const commands: Commands = {
  models: {
    summary: 'list the models of the zoo, or show one',
    load: async () => (await import('./models.ts')).models,
  },
  methods: {
    summary: 'list criteria, regularizers and strategies, or show one',
    load: async () => (await import('./methods.ts')).methods,
  },
  datasets: { summary: 'list the data sets, or show one', load: async () => (await import('./datasets.ts')).datasets },
  experiments: {
    summary: "list the paper's experiments, or show one",
    load: async () => (await import('./experiments.ts')).experiments,
  },
  groups: {
    summary: 'list the dependency groups of a model: what is pruned together',
    load: async () => (await import('./groups.ts')).groups,
  },
  prune: { summary: 'prune a model to a speed-up', load: async () => (await import('./prune.ts')).prune },
  train: { summary: 'train a model on a data set', load: async () => (await import('./train.ts')).train },
  bench: {
    summary: 'compare methods: train, prune, fine-tune, evaluate, measure',
    load: async () => (await import('./bench.ts')).bench,
  },
  'check-plugin': {
    summary: 'check a method, model or data set of your own',
    load: async () => (await import('./check-plugin.ts')).checkPlugin,
  },
  leaderboard: {
    summary: 'rank records of benchmarks; submit, verify, check and show entries of leaderboards',
    load: async () => (await import('./leaderboard.ts')).leaderboard,
  },
  notebook: {
    summary: 'run notebooks, turn them into web pages, strip their outputs',
    load: async () => (await import('./notebook.ts')).notebook,
  },
  kernel: {
    summary: 'install, start and list the Jupyter kernel',
    load: async () => (await import('./kernel.ts')).kernel,
  },
};
