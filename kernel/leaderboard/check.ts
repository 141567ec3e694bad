import { sep } from 'node:path';
import { ownProtocol, protocols } from '../bench/protocols.ts';
import { hashOf, type RunRecord } from '../bench/record.ts';
import type { Catalogue } from '../catalogue.ts';
import { count } from '../graph/count.ts';
import { cutter } from '../graph/cut.ts';
import { analyze } from '../graph/groups.ts';
import { parseOptions } from '../options.ts';
import { differencesOf, entryId, pathOf, settingOf, type Entry } from './entry.ts';
import { pluginsOf } from './plugin-source.ts';
import { countedSpeedupOf, outcomeOf } from './outcome.ts';
import { supersedingProblems, type Problem, type Stored } from './store.ts';

/** What is wrong with entries, each by itself and all together. */
export function problems(stored: readonly Stored[], catalogue: Catalogue): Problem[] {
  const whereIs = new Map<string, string>();
  const ids = new Map<string, string>();
  const superseded = new Set(stored.map(({ entry }) => entry.supersedes?.id));
  const byId = new Map(stored.map(({ entry }) => [entry.id, entry]));
  return stored
    .flatMap(({ file, entry }) => {
      const found: Problem[] = [];
      const add = (what: string, ...others: string[]) => void found.push({ files: [file, ...others], what });
      for (const what of entryProblems(entry, catalogue)) add(what);
      if (
        !file
          .split(sep)
          .join('/')
          .endsWith(`/${pathOf(entry)}`)
      )
        add(`its file should be ${pathOf(entry)}`);
      const twin = ids.get(entry.id);
      if (twin !== undefined) add(`id ${entry.id} is that of ${twin} too`, twin);
      ids.set(entry.id, file);
      const old = byId.get(entry.supersedes?.id ?? '');
      if (old && settingOf(old.records[0]!.configuration) !== settingOf(entry.records[0]!.configuration))
        differentSettings(old, entry).forEach(what => add(what));
      if (!superseded.has(entry.id))
        for (const { id } of entry.records) {
          const other = whereIs.get(id);
          if (other !== undefined) add(`run ${id} is in ${other} too; to run it again is to verify that one`, other);
          whereIs.set(id, file);
        }
      return found;
    })
    .concat(supersedingProblems(stored));
}

/** A correction may change numbers, options and seeds, but not what it is a result of. */
function differentSettings(old: Entry, entry: Entry): string[] {
  const key = ({ records: [record] }: Entry) => {
    const { model, dataset, criterion, regularizer, strategy, speedup } = record!.configuration;
    return [model.id, dataset.id, criterion.id, regularizer?.id ?? 'none', strategy.id, speedup].join(', ');
  };
  return key(old) === key(entry) ? [] : [`is of ${key(entry)}; ${old.id}, which it supersedes, is of ${key(old)}`];
}

/** What is wrong with one entry: its id, its records, what they say of one another. */
export function entryProblems(entry: Entry, catalogue: Catalogue): string[] {
  const found: string[] = [];
  const expected = entryId(entry);
  if (entry.id !== expected)
    found.push(`id ${entry.id}, its content has ${expected}: an entry is not changed but superseded`);
  if (entry.division === 'open' && entry.recipe === null) found.push('open division: no recipe is stated');
  if (entry.division === 'closed') found.push(...entry.records.flatMap(recipeProblems));
  const [first] = entry.records;
  const seeds = entry.records.map(({ configuration }) => configuration.seed);
  if (new Set(seeds).size < seeds.length) found.push(`seeds ${seeds.join(', ')}: one is there twice`);
  for (const record of entry.records) {
    if (settingOf(record.configuration) !== settingOf(first!.configuration))
      found.push(`runs ${first!.id} and ${record.id} differ in more than their seed`);
    found.push(...recordProblems(record).map(problem => `run ${record.id}: ${problem}`));
    found.push(...pluginProblems(entry, record, catalogue).map(problem => `run ${record.id}: ${problem}`));
    found.push(...sizeProblems(record, catalogue).map(problem => `run ${record.id}: ${problem}`));
  }
  entry.verifications.forEach((verification, i) => {
    const known = new Set(seeds);
    const foreign = verification.runs.find(({ seed }) => !known.has(seed));
    if (foreign) return found.push(`verification ${i}: seed ${foreign.seed}, the entry has ${seeds.join(', ')}`);
    const outcome = outcomeOf(entry.records, verification.runs, verification.tolerance);
    if (outcome !== verification.outcome)
      return found.push(`verification ${i}: says ${verification.outcome}, its numbers say ${outcome}`);
  });
  return [...new Set(found)];
}

/** In what a record's recipe is another one than that of a protocol of the package. */
export function recipeProblems({ configuration: { protocol, base, model } }: RunRecord): string[] {
  const own = ownProtocol(protocol.name);
  if (!own) return [`closed division: protocol ${protocol.name} is none of ${Object.keys(protocols).join(', ')}`];
  return [
    ...differencesOf(protocol, own).map(
      ({ what, entry, here }) => `closed division: ${what} is ${entry}, protocol ${protocol.name} has ${here}`,
    ),
    ...(base === null ? [] : [`closed division: the base model was given (${base.slice(0, 12)}), not trained`]),
    ...('weights' in model.options ? ['closed division: the base model began with weights that were given'] : []),
  ];
}

/** What a record says that cannot be, from the record alone. */
function recordProblems(record: RunRecord): string[] {
  const { configuration: c, base, pruned, sparsified, score, latency, seconds } = record;
  const found: string[] = [];
  const id = hashOf(c);
  if (record.id !== id) found.push(`its configuration has the id ${id}`);
  const scores = { base: base.scores, before: pruned.before, recalibrated: pruned.recalibrated, pruned: pruned.scores };
  for (const [when, values] of Object.entries(scores)) {
    const value = values === null ? 0 : values[score];
    if (value === undefined || value < 0 || value > 1)
      found.push(`${when}: ${score} is ${value ?? 'not there'}, expected a share from 0 to 1`);
  }
  const { protocol } = c;
  const epochs = (what: string, actual: number, expected: number) => {
    if (actual !== expected) found.push(`${what}: ${actual} epochs, its protocol has ${expected}`);
  };
  if (c.base === null) epochs('base', base.history.length, protocol.base?.epochs ?? 0);
  epochs('fine-tuning', pruned.history.length, protocol.finetune?.epochs ?? 0);
  if ((sparsified === null) !== (c.regularizer === null))
    found.push(`${sparsified ? 'sparsified' : 'not sparsified'}, its regularizer is ${c.regularizer?.id ?? 'none'}`);
  if (sparsified) epochs('sparsified', sparsified.history.length, protocol.sparsify.epochs);
  const reached = countedSpeedupOf(record, pruned);
  if (reached < c.speedup) found.push(`a speed-up of ${reached.toFixed(3)}, ${c.speedup} was asked for`);
  if (latency.some(({ base, pruned }) => !(base > 0 && pruned > 0))) found.push('a latency is not above 0');
  if ([seconds.prune, seconds.finetune, seconds.regularizer ?? 0].some(time => time < 0))
    found.push('a time is below 0');
  return found;
}

/** Methods, models and data that are neither the package's nor of a plugin that the entry names. */
function pluginProblems(entry: Entry, { configuration }: RunRecord, catalogue: Catalogue): string[] {
  const provided = new Set(entry.plugins.flatMap(({ provides }) => provides));
  return pluginsOf(configuration)
    .filter(({ list, kind, id }) => !catalogue[list].some(known => known.id === id) && !provided.has(`${kind} ${id}`))
    .map(
      ({ kind, id }) =>
        `${kind} ${id} is not the package's, and no plugin of the entry has it: give the plugin that does`,
    );
}

/**
 * Parameters and multiply-adds anew: the model is built from its options and cut to the units that the record keeps.
 * Models of plugins are not there to be built.
 */
function sizeProblems(record: RunRecord, { models }: Catalogue): string[] {
  const { configuration, base, pruned, groups } = record;
  const model = models.find(({ id }) => id === configuration.model.id);
  if (!model) return [];
  const { weights: _, ...options } = configuration.model.options;
  try {
    const graph = model.build(parseOptions(model, options));
    const analysis = analyze(graph);
    const ids = (list: readonly { id: string; units: number }[]) => list.map(g => `${g.id} ${g.units}`).join(', ');
    if (ids(groups) !== ids(analysis.groups))
      return [
        ...differencesOf(
          Object.fromEntries(groups.map(({ id, units }) => [`group ${id}`, units])),
          Object.fromEntries(analysis.groups.map(({ id, units }) => [`group ${id}`, units])),
        ).map(({ what, entry, here }) => `${what}: ${entry} units, model ${model.id} has ${here}`),
        `its groups are not those of model ${model.id}`,
      ].slice(0, 1);
    const masks = new Map<string, Uint8Array>();
    for (const { id, units, kept, whole } of groups) {
      if (kept.some((unit, i) => unit < 0 || unit >= units || (i > 0 && unit <= kept[i - 1]!)))
        return [`group ${id}: the units kept are not rising numbers below ${units}`];
      if (whole !== undefined && kept.length < units)
        return [`group ${id}: stays whole (${whole}), but keeps ${kept.length} of ${units}`];
      const mask = new Uint8Array(units);
      for (const unit of kept) mask[unit] = 1;
      masks.set(id, mask);
    }
    const result = cutter(graph, analysis)(masks);
    const sizes = { base: [base, count(graph)], pruned: [pruned, count(result)] } as const;
    return Object.entries(sizes).flatMap(([when, [stated, counted]]) =>
      (['params', 'macs', 'macsCompatible'] as const)
        .filter(what => stated[what] !== counted[what])
        .map(what => `${when}.${what} is ${stated[what]}, the graph has ${counted[what]}`),
    );
  } catch (error) {
    return [(error as Error).message];
  }
}
