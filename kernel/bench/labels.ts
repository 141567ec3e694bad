import { flat } from './canonical.ts';
import { protocolLabel } from './protocols.ts';
import { canonical, hashOf, methodName, type Configuration, type RunRecord } from './record.ts';

/** What a record is called in leaderboards. */
export interface Labels {
  readonly model: string;
  readonly dataset: string;
  readonly protocol: string;
  readonly strategy: string;
  readonly method: string;
}

type Options = Readonly<Record<string, unknown>>;
type Setting = readonly [name: string, options: Options];

/** Seed and base model are left out: results that differ in them alone are runs of the same. */
const settings: { readonly [label in keyof Labels]: (configuration: Configuration) => Setting } = {
  model({ model }) {
    const { width, seed: _, ...options } = model.options;
    return [typeof width === 'number' && width !== 1 ? `${model.id} x${width}` : model.id, options];
  },
  dataset: ({ dataset: { id, options, checksum, train, test } }) => [
    id,
    { ...options, train, test, checksum: checksum.slice(0, 8) },
  ],
  protocol({ protocol, backend }) {
    const { name: _, ...options } = protocol;
    return [protocolLabel(protocol), { ...options, backend }];
  },
  strategy: ({ strategy: { id, options }, roundTo }) => [id, { ...options, roundTo }],
  method: ({ criterion, regularizer, reduce, normalize }) => [
    methodName({ criterion, regularizer }),
    { ...criterion.options, regularizer: regularizer?.options ?? {}, reduce, normalize },
  ],
};
const kinds = Object.keys(settings) as (keyof Labels)[];

/** As many options as a label spells out. */
const most = 3;

/**
 * Labels of records among others: where two have the same name and other options, the label has those they differ in, as
 * in `protected-global:floor=0.2`, or a hash of them where they are many.
 */
export function labelsOf(records: readonly RunRecord[]): (record: RunRecord) => Labels {
  const namers = Object.fromEntries(
    kinds.map(kind => [kind, namer(records.map(({ configuration }) => settings[kind](configuration)))]),
  );
  return ({ configuration }) =>
    Object.fromEntries(kinds.map(kind => [kind, namers[kind]!(settings[kind](configuration))])) as unknown as Labels;
}

function namer(all: readonly Setting[]): (setting: Setting) => string {
  // thousands of records have a few settings
  const distinct = new Map(all.map(setting => [JSON.stringify(setting), setting]));
  const byName = new Map<string, Options[]>();
  for (const [name] of all) byName.set(name, []);
  for (const [name, options] of distinct.values()) byName.get(name)!.push(flat(options));
  const differing = new Map([...byName].map(([name, list]) => [name, differingKeys(list)]));
  const nameOf = ([name, given]: Setting): string => {
    const keys = differing.get(name) ?? [];
    if (keys.length === 0) return name;
    const options = flat(given);
    if (keys.length > most) return `${name} ${hashOf(keys.map(key => options[key] ?? null)).slice(0, 4)}`;
    return `${name}:${keys.map(key => `${key}=${textOf(options[key])}`).join()}`;
  };
  const names = new Map([...distinct].map(([text, setting]) => [text, nameOf(setting)]));
  return setting => names.get(JSON.stringify(setting)) ?? nameOf(setting);
}

const differingKeys = (list: readonly Options[]): string[] =>
  [...new Set(list.flatMap(Object.keys))].filter(key => new Set(list.map(options => textOf(options[key]))).size > 1);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (canonical(value) ?? 'none'));
