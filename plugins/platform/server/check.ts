import type { Method } from '../../../kernel/bench/bench.ts';
import type { Workload } from '../../../kernel/bench/estimate.ts';
import { runsOf, type Plan } from '../../../kernel/bench/plan.ts';
import { canonical } from '../../../kernel/bench/record.ts';
import { find, suggestion, type Catalogue } from '../../../kernel/catalogue.ts';
import { chooseMethod, chooseStrategy } from '../../../kernel/text/choose.ts';
import { layerOf, type Group } from '../../../kernel/graph/groups.ts';
import { optionNames, optionsAmong } from '../../../kernel/options.ts';
import { modelOptionsOf, type Model, type Plugin } from '../../../kernel/plugin.ts';
import { isScored, scoresByDefault } from '../../../kernel/prune/score.ts';
import type { Check } from '../api.ts';
import type { Database } from '../database/database.ts';
import { expand, type RunDraft } from '../expand.ts';
import { uploadPrefix, type Resources, type RunKind } from '../vocabulary.ts';
import { whyUnavailable } from './catalogue-info.ts';
import { estimate } from './estimate.ts';
import { inspectedData, inspectedModel, inspectGraph, type InspectedData, type InspectedModel } from './inspect.ts';
import type { Inspector } from './inspector.ts';
import { Refused } from './refused.ts';
import { Remembered } from './remembered.ts';
import type { Uploads } from './uploads.ts';

type Problem = Check['problems'][number];

/** Says of plans what they would be and what is wrong with them. */
export class Checker {
  readonly #database: Database;
  readonly #catalogue: Catalogue;
  readonly #inspector: Inspector;
  readonly #uploads: Uploads;
  readonly #mostRuns: number;
  readonly #data = new Remembered<InspectedData>(100);
  readonly #models = new Remembered<InspectedModel>(100);

  /** `mostRuns` is how many runs a plan may have. */
  constructor(database: Database, catalogue: Catalogue, inspector: Inspector, uploads: Uploads, mostRuns: number) {
    this.#database = database;
    this.#catalogue = catalogue;
    this.#inspector = inspector;
    this.#uploads = uploads;
    this.#mostRuns = mostRuns;
  }

  async check(plan: Plan, resources: Resources): Promise<Check> {
    const problems: Problem[] = [];
    const note = (path: string, message: string) => void problems.push({ path, message });
    /** What `work` returns, or undefined where it throws, which is a problem then. */
    const attempt = async <T>(path: string, work: () => T | Promise<T>): Promise<T | undefined> => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof Refused) throw error;
        note(path, (error as Error).message);
        return undefined;
      }
    };

    const small = runsOf(plan) <= this.#mostRuns;
    if (!small) note('methods', `${runsOf(plan)} runs, a plan may have ${this.#mostRuns}; make several of it`);
    const methods: (Method | undefined)[] = [];
    for (const [i, method] of plan.methods.entries())
      methods.push(await attempt(`methods.${i}`, () => chooseMethod(this.#catalogue, method)));
    for (const [i, strategy] of plan.strategies.entries())
      await attempt(`strategies.${i}`, () => chooseStrategy(this.#catalogue, strategy));

    const data = await this.#dataOf(plan, attempt, note);
    const model = plan.model.startsWith(uploadPrefix)
      ? await this.#uploaded(plan, data, attempt, note)
      : await this.#built(plan, data, attempt, note);
    const impossible = model && impossibleIn(model, this.#catalogue);
    for (const [i, method] of methods.entries()) {
      if (!method || !impossible) continue;
      const { criterion, regularizer } = method;
      const [blind, idle] = [impossible.criteria[criterion.id], regularizer && impossible.regularizers[regularizer.id]];
      if (blind !== undefined) note(`methods.${i}`, `criterion ${criterion.id} ${blind}`);
      if (idle !== undefined) note(`methods.${i}`, `regularizer ${regularizer!.id} ${idle}`);
    }

    const drafts = small ? await this.#new(expand(plan, resources)) : [];
    return {
      problems,
      runs: small ? drafts.length : runsOf(plan),
      model: model
        ? {
            params: model.params,
            macs: model.macs,
            groups: model.groups.map(({ id, units, members, protected: reason }) => ({
              id,
              units,
              members: layersOf(members),
              protected: reason,
            })),
          }
        : null,
      estimate:
        model && data && small && methods.every(method => method !== undefined)
          ? await estimate(
              this.#database,
              plan,
              resources,
              model.macs,
              workloadOf(drafts, new Map(plan.methods.map((text, i) => [text, methods[i]!])), plan, data),
            )
          : null,
      ...(impossible ? { impossible } : {}),
    };
  }

  /** Those that a submission would add. */
  async #new(drafts: readonly RunDraft[]): Promise<RunDraft[]> {
    const rows = await this.#database.sql<{ key: string }>(
      `select key from pruningbench.runs
       where kind <> 'pruned' and state not in ('failed', 'cancelled') and key = any($1)`,
      [drafts.map(({ key }) => key)],
    );
    const there = new Set(rows.map(({ key }) => key));
    return drafts.filter(({ kind, key }) => kind === 'pruned' || !there.has(key));
  }

  async #dataOf({ dataset, datasetOptions }: Plan, attempt: Attempt, note: Note): Promise<InspectedData | undefined> {
    const plugin = await attempt('dataset', () => find('dataset', this.#catalogue.datasets, dataset));
    if (!plugin) return undefined;
    const unavailable = whyUnavailable(plugin);
    if (unavailable !== null) return void note('dataset', `${plugin.id}: ${unavailable}`);
    const options = parsed(plugin, datasetOptions, 'datasetOptions', note);
    if (!options) return undefined;
    return attempt('datasetOptions', () =>
      this.#data.get(canonical([dataset, options]), async () =>
        inspectedData.parse(await this.#inspector.ask({ kind: 'dataset', dataset, options })),
      ),
    );
  }

  async #built(
    { model: name, modelOptions, dataset, protocol }: Plan,
    data: InspectedData | undefined,
    attempt: Attempt,
    note: Note,
  ): Promise<InspectedModel | undefined> {
    const model: Model | undefined = await attempt('model', () => find('model', this.#catalogue.models, name));
    if (!model) return undefined;
    const task = this.#catalogue.datasets.find(({ id }) => id === dataset)?.task;
    if (task !== undefined && model.task !== task)
      note('dataset', `${dataset} is for ${task}, model ${model.id} for ${model.task}`);
    if (!protocol.base)
      note(
        'protocol.base',
        `protocol ${protocol.name} trains no base model: that is for uploaded models, ${model.id} has no weights`,
      );
    const given = data && optionsAmong(model, modelOptionsOf(data));
    for (const [key, value] of Object.entries(given ?? {}))
      if (Object.hasOwn(modelOptions, key) && modelOptions[key] !== value)
        note(
          `modelOptions.${key}`,
          `${key} ${JSON.stringify(modelOptions[key])}: data set ${dataset} has ${String(value)}`,
        );
    if (Object.hasOwn(modelOptions, 'seed'))
      note('modelOptions.seed', 'seeds are those of the plan: give them as seeds');
    const options = parsed(model, { ...modelOptions, ...given }, 'modelOptions', note);
    if (!options) return undefined;
    return attempt('modelOptions', () =>
      this.#models.get(canonical([name, options]), () => Promise.resolve(inspectGraph(model.build(options)))),
    );
  }

  async #uploaded(
    { model: name, modelOptions, dataset }: Plan,
    data: InspectedData | undefined,
    attempt: Attempt,
    note: Note,
  ): Promise<InspectedModel | undefined> {
    const id = name.slice(uploadPrefix.length);
    const model = await attempt('model', async () => {
      const found = await this.#uploads.find(id);
      if (!found) throw new Error(`there is no uploaded model ${id}`);
      return inspectedModel.parse(found.summary);
    });
    for (const key of Object.keys(modelOptions)) note(`modelOptions.${key}`, 'an uploaded model has no options');
    if (!model || !data) return model;
    const [input, ...others] = model.inputs;
    if (others.length > 0) note('model', `it has ${model.inputs.length} inputs, images are one`);
    else if (input!.join() !== data.shape.join())
      note('dataset', `images of ${dataset} are [${data.shape.join(', ')}], the model takes [${input!.join(', ')}]`);
    const wrong = fits[data.task]?.(model.outputs, data.classes);
    if (wrong) note('dataset', `${dataset} has ${data.classes} classes: ${wrong}`);
    return model;
  }
}

type Attempt = <T>(path: string, work: () => T | Promise<T>) => Promise<T | undefined>;
type Note = (path: string, message: string) => void;

/** What runs come to; `methods` are those of the plan by their texts. */
function workloadOf(
  drafts: readonly RunDraft[],
  methods: ReadonlyMap<string, Method>,
  { protocol, seeds }: Plan,
  { train, test }: InspectedData,
): Workload {
  const of = (kind: RunKind) => drafts.filter(draft => draft.kind === kind);
  return {
    ...{ protocol, train, test },
    seeds: protocol.base ? of('base').length : seeds.length,
    regularized: of('sparsified').length,
    runs: of('pruned').map(({ plan }) => ({
      speedup: plan.speedups[0]!,
      data: methods.get(plan.methods[0]!)!.criterion.estimate !== undefined,
    })),
  };
}

/** Options as a plugin completes them; undefined where something is wrong with them. */
function parsed(
  plugin: Plugin<unknown>,
  options: Readonly<Record<string, unknown>>,
  path: string,
  note: Note,
): Record<string, unknown> | undefined {
  const names = optionNames(plugin)?.filter(name => name !== 'path');
  const unknown = names ? Object.keys(options).filter(key => !names.includes(key)) : [];
  for (const key of unknown)
    note(`${path}.${key}`, `${plugin.id} has no option ${key}${suggestion(key, names!) || ' (it has none)'}`);
  if (unknown.length > 0) return undefined;
  const result = plugin.options.safeParse(options);
  if (result.success) return result.data as Record<string, unknown>;
  for (const { path: at, message } of result.error.issues) note([path, ...at].join('.'), message);
  return undefined;
}

/** By task: what is wrong with outputs of these shapes. */
const fits: Readonly<Record<string, (outputs: readonly (readonly number[])[], classes: number) => string | undefined>> =
  {
    classification: (outputs, classes) =>
      outputs.length === 1 && outputs[0]!.join() === String(classes)
        ? undefined
        : `the model gives ${shown(outputs)}, not one output [${classes}]`,
    detection: (outputs, classes) =>
      outputs.length === 3 && outputs.every(shape => shape.length === 3 && shape[2] === 64 + classes)
        ? undefined
        : `the model gives ${shown(outputs)}, not three outputs [height, width, ${64 + classes}]`,
  };

const shown = (shapes: readonly (readonly number[])[]): string =>
  shapes.map(shape => `[${shape.join(', ')}]`).join(', ') || 'nothing';

const layersOf = (members: InspectedModel['groups'][number]['members']): string[] => [
  ...new Set(members.map(({ parameter }) => layerOf(parameter))),
];

/** What finds nothing to do in a model, by id, each with the reason. */
function impossibleIn(model: InspectedModel, { criteria, regularizers }: Catalogue): NonNullable<Check['impossible']> {
  // as much of groups as is asked for here
  const free = model.groups.filter(({ protected: reason }) => reason === null) as unknown as readonly Group[];
  const without = (list: readonly { readonly id: string }[], why: string) =>
    Object.fromEntries(list.map(({ id }) => [id, why]));
  if (free.length === 0) {
    const why = 'the model has no group that can be pruned';
    return { criteria: without(criteria, why), regularizers: without(regularizers, why) };
  }
  const idle = regularizers.filter(
    ({ acts = scoresByDefault }) => !free.some(({ members }) => members.some(member => acts(member))),
  );
  const blind = criteria.filter(criterion => !free.some(group => isScored(criterion, group)));
  return {
    criteria: without(blind, 'finds nothing to score in this model'),
    regularizers: without(idle, 'finds nothing to make sparse in this model'),
  };
}

/** Throws where a plan names a place on the server: where data lie is the server's to know. */
export function refusePaths(plan: Plan, field: string): void {
  for (const part of ['modelOptions', 'datasetOptions'] as const)
    if (Object.hasOwn(plan[part], 'path'))
      throw new Refused(400, 'no paths are taken: the server knows where its data are', {
        field: `${field}.${part}.path`,
      });
  for (const part of ['methods', 'strategies'] as const)
    for (const [i, spec] of plan[part].entries())
      if (/[:,]\s*path\s*=/.test(spec))
        throw new Refused(400, 'no paths are taken: the server knows where its data are', {
          field: `${field}.${part}.${i}`,
        });
}
