import { canonical } from '../../../kernel/bench/canonical.ts';
import type { Plan } from '../../../kernel/bench/plan.ts';
import type { Protocol } from '../../../kernel/bench/protocol.ts';
import { splitMethod, splitSpec, textOf, type JsonSchema } from '../../../kernel/text/schema.ts';
import type { CatalogueInfo } from '../api.ts';
import type { Resources } from '../vocabulary.ts';
import { read, readNumbers, type Problem, type Texts } from './fields.ts';

/** A plugin by its id, with what was typed for its options. */
export interface Choice {
  readonly id: string;
  readonly texts: Texts;
}

export interface MethodChoice {
  readonly criterion: Choice;
  readonly regularizer: Choice | null;
}

/** What stands in the form, typed or chosen: it need not make sense yet. */
export interface Draft {
  /** Empty for the one that follows from the rest. */
  readonly title: string;
  readonly resources: Resources;
  readonly task: string;
  readonly models: readonly Choice[];
  readonly datasets: readonly Choice[];
  readonly methods: readonly MethodChoice[];
  readonly strategies: readonly Choice[];
  readonly speedups: string;
  readonly seeds: string;
  readonly roundTo: string;
  /** What the schedule started with, and what was changed in it. */
  readonly protocol: Protocol;
  readonly changes: Texts;
}

const choice = (id: string, texts: Texts = {}): Choice => ({ id, texts });

/** What the form begins with: the smallest thing that is worth running. */
export function firstDraft(catalogue: CatalogueInfo, task = catalogue.tasks[0]!.id): Draft {
  const of = <P extends { id: string; task: string }>(list: readonly P[]) => list.filter(one => one.task === task);
  const wished = <P extends { id: string }>(list: readonly P[], ...ids: string[]) =>
    ids.map(id => list.find(one => one.id === id)).find(Boolean) ?? list[0];
  const model = wished(of(catalogue.models), 'resnet18', 'yolov8n');
  const dataset = of(catalogue.datasets).find(({ unavailable }) => unavailable === null);
  const names = Object.keys(catalogue.protocols);
  const protocol = task === 'detection' && names.includes('quick-detection') ? 'quick-detection' : 'quick';
  return {
    title: '',
    resources: 'cpu',
    task,
    models: model ? [choice(model.id, { width: '0.25' })] : [],
    datasets: dataset ? [choice(dataset.id)] : [],
    methods: [{ criterion: choice(wished(catalogue.criteria, 'magnitude-l2')!.id), regularizer: null }],
    strategies: [choice(wished(catalogue.strategies, 'protected-global')!.id)],
    speedups: '2',
    seeds: '0',
    roundTo: '1',
    protocol: catalogue.protocols[names.includes(protocol) ? protocol : names[0]!]!,
    changes: {},
  };
}

const textsOf = (options: Readonly<Record<string, unknown>>): Texts =>
  Object.fromEntries(Object.entries(options).map(([key, value]) => [key, textOf(value)]));

function choiceOf(spec: string): Choice {
  const { id, options } = splitSpec(spec.trim());
  return choice(id, options);
}

/** A criterion, or a criterion and a regularizer, as in `magnitude-l2 + group-norm:reg=1e-3`. */
export function methodOf(text: string): MethodChoice {
  const [criterion, regularizer] = splitMethod(text);
  return { criterion: choiceOf(criterion!), regularizer: regularizer === undefined ? null : choiceOf(regularizer) };
}

/** As it is written in a plan. */
export function specOf({ id, texts }: Choice): string {
  const options = Object.entries(texts).filter(([, text]) => text.trim() !== '');
  return options.length === 0 ? id : `${id}:${options.map(([key, text]) => `${key}=${text.trim()}`).join()}`;
}

export const methodSpec = ({ criterion, regularizer }: MethodChoice): string =>
  regularizer ? `${specOf(criterion)} + ${specOf(regularizer)}` : specOf(criterion);

/** A form that has what plans say: those of one submission differ in model and data set alone. */
export function draftOf(
  plans: readonly Plan[],
  catalogue: CatalogueInfo,
  { title = '', resources = 'cpu' }: { title?: string; resources?: Resources } = {},
): Draft {
  const [plan] = plans as [Plan];
  const several = (one: (plan: Plan) => Choice) => [
    ...new Map(plans.map(one).map(found => [canonical(found), found])).values(),
  ];
  const datasets = several(({ dataset, datasetOptions }) => choice(dataset, textsOf(datasetOptions)));
  const task = catalogue.datasets.find(({ id }) => id === plan.dataset)?.task ?? catalogue.tasks[0]!.id;
  return {
    title,
    resources,
    task,
    models: several(({ model, modelOptions }) => choice(model, textsOf(modelOptions))),
    datasets,
    methods: plan.methods.map(methodOf),
    strategies: plan.strategies.map(choiceOf),
    speedups: plan.speedups.join(', '),
    seeds: plan.seeds.join(', '),
    roundTo: String(plan.roundTo),
    protocol: plan.protocol,
    changes: {},
  };
}

/** Whether the schedule is the one of its name. */
export const isChanged = ({ protocol, changes }: Draft, catalogue: CatalogueInfo): boolean =>
  Object.keys(changes).length > 0 || canonical(catalogue.protocols[protocol.name]) !== canonical(protocol);

const speedup: JsonSchema = { type: 'number', minimum: 1 };
const seed: JsonSchema = { type: 'integer' };
const units: JsonSchema = { type: 'integer', minimum: 1 };

/** The plans that a form stands for, one for each model and data set, and what is wrong with it by its own fields. */
export function plansOf(draft: Draft, catalogue: CatalogueInfo): { plans: Plan[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const keep = <T>([value, found]: [T, Problem[]]): T => {
    problems.push(...found);
    return value;
  };
  const options = (
    kind: 'models' | 'datasets' | 'criteria' | 'regularizers' | 'strategies',
    own: Choice,
    path: string,
  ) => {
    const plugin = catalogue[kind].find(({ id }) => id === own.id);
    if (!plugin) return {};
    const [value, found] = read(plugin.options, undefined, own.texts);
    problems.push(...found.map(({ path: key, message }) => ({ path: `${path}.${key}`, message })));
    return (value ?? {}) as Record<string, unknown>;
  };
  const needed = (list: readonly unknown[], path: string, what: string) => {
    if (list.length === 0) problems.push({ path, message: `choose ${what}` });
  };
  needed(draft.models, 'models', 'a model');
  needed(draft.datasets, 'datasets', 'a data set');
  needed(draft.methods, 'methods', 'a method');
  needed(draft.strategies, 'strategies', 'a strategy');
  draft.methods.forEach(({ criterion, regularizer }, i) => {
    options('criteria', criterion, `methods.${i}.criterion`);
    if (regularizer) options('regularizers', regularizer, `methods.${i}.regularizer`);
  });
  draft.strategies.forEach((strategy, i) => options('strategies', strategy, `strategies.${i}`));
  const [protocol, found] = read(catalogue.protocol, draft.protocol, draft.changes);
  problems.push(...found.map(({ path, message }) => ({ path: `protocol.${path}`, message })));
  const [roundTo] = keep(readNumbers(draft.roundTo, units, 'roundTo'));
  const common = {
    methods: draft.methods.map(methodSpec),
    strategies: draft.strategies.map(specOf),
    speedups: [...keep(readNumbers(draft.speedups, speedup, 'speedups'))],
    seeds: [...keep(readNumbers(draft.seeds, seed, 'seeds'))],
    roundTo: roundTo ?? 1,
    protocol: protocol as Protocol,
  };
  const models = draft.models.map((model, i) => ({
    model: model.id,
    modelOptions: options('models', model, `models.${i}`),
  }));
  const datasets = draft.datasets.map((dataset, i) => ({
    dataset: dataset.id,
    datasetOptions: options('datasets', dataset, `datasets.${i}`),
  }));
  const plans = models.flatMap(model => datasets.map(dataset => ({ ...model, ...dataset, ...common })));
  return { plans, problems };
}

/** Whether a form stands for these plans and no others, in whatever order. */
export function standsFor(draft: Draft, plans: readonly Plan[], catalogue: CatalogueInfo): boolean {
  const all = (list: readonly Plan[]) =>
    list
      .map(plan => canonical(plan))
      .sort()
      .join();
  return all(plansOf(draft, catalogue).plans) === all(plans);
}

/** Where in the form something is that is wrong in one of its plans. */
export function fieldOf(path: string, plan: number, { datasets }: Pick<Draft, 'datasets'>): string {
  const model = Math.floor(plan / Math.max(1, datasets.length));
  const dataset = plan % Math.max(1, datasets.length);
  const [first = '', ...rest] = path.split('.');
  const tail = rest.length > 0 ? `.${rest.join('.')}` : '';
  if (first === 'model' || first === 'modelOptions') return `models.${model}${tail}`;
  if (first === 'dataset' || first === 'datasetOptions') return `datasets.${dataset}${tail}`;
  if (first === 'speedups' || first === 'seeds') return first;
  return path;
}

/** A title that says what is in the form. */
export function suggestedTitle(
  { models, datasets, methods, speedups }: Draft,
  modelName: (id: string) => string = id => id,
): string {
  const names = (list: readonly Choice[]) =>
    list.length > 2 ? `${list.length} models` : [...new Set(list.map(({ id }) => modelName(id)))].join(', ');
  const what = methods.length === 1 ? methodSpec(methods[0]!) : `${methods.length} methods`;
  const factors = speedups
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(one => `${one.replace(/x$/i, '')}x`);
  return `${names(models)} on ${datasets.map(({ id }) => id).join(', ')}: ${what}, ${factors.join(', ')}`;
}
