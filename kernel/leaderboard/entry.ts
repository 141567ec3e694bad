import { z } from 'zod';
import { flat } from '../bench/canonical.ts';
import { json } from '../text/json.ts';
import { canonical, hashOf, methodName, recordSchema, type Configuration } from '../bench/record.ts';

/** A file may have so many bytes; entries of large models with several seeds have a tenth of that. */
export const mostBytes = 8 * 2 ** 20;

/** Text without characters that could act on a terminal or turn the direction of writing. */
const line = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'has control characters');
const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^(?:\n|[^\p{Cc}\p{Cf}])*$/u, 'has control characters');
const link = z.url({ protocol: /^https$/, hostname: z.regexes.domain }).max(500);
const hash = z.string().regex(/^[0-9a-f]{12}$/, 'expected 12 hexadecimal digits');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');

const provides = z.array(line(120)).min(1);
/** Where a plugin comes from that is not part of the package: a file, a package, or a notebook's cell. */
export const pluginSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), name: line(200), sha256, provides }),
  z.strictObject({ kind: z.literal('package'), name: line(200), version: line(100), provides }),
  /** The checksum is of the plugin's functions as they are compiled. */
  z.strictObject({ kind: z.literal('cell'), name: line(200), sha256, provides }),
]);
export type PluginSource = z.infer<typeof pluginSourceSchema>;

/** A setting that differs from the record when an entry is run again, both values. */
export const differenceSchema = z.strictObject({ what: line(300), entry: text(2000), here: text(2000) });
/** Something that is one way in the entry and another way here. */
export type Difference = z.infer<typeof differenceSchema>;

export const outcomes = ['differs', 're-run', 'reproduced'] as const;

/** The numbers of one seed, run again. */
export const rerunSchema = z.strictObject({
  seed: z.int(),
  base: z.number(),
  before: z.number(),
  recalibrated: z.number().nullable(),
  score: z.number(),
  params: z.int(),
  macs: z.int(),
  macsCompatible: z.int(),
  /** Hash of what became of each group. */
  groups: hash,
});
export type Rerun = z.infer<typeof rerunSchema>;

/** One run of an entry again: who, when, with what outcome and numbers. */
export const verificationSchema = z.strictObject({
  created: z.iso.datetime(),
  by: line(80),
  outcome: z.enum(outcomes),
  /** Points by which the mean score may differ for `re-run`. */
  tolerance: z.number().nonnegative(),
  runs: z.array(rerunSchema).min(1),
  differences: z.array(differenceSchema),
  provenance: recordSchema.shape.provenance,
});
export type Verification = z.infer<typeof verificationSchema>;

const name = /^[A-Za-z0-9][\w.-]*$/;

/** A record whose names can be those of files, and stand in tables. */
const entryRecordSchema = recordSchema.superRefine(({ configuration: c, score }, context) => {
  const check = (word: string, ...path: string[]) => {
    if (word.length <= 100 && name.test(word)) return;
    const message = `${JSON.stringify(word.slice(0, 100))}: a name is letters, digits, hyphens, dots and underscores, 100 at most`;
    context.addIssue({ code: 'custom', path, message });
  };
  for (const kind of ['model', 'dataset', 'criterion', 'strategy', 'regularizer'] as const)
    if (c[kind]) check(c[kind].id, 'configuration', kind, 'id');
  check(c.task, 'configuration', 'task');
  check(c.protocol.name, 'configuration', 'protocol', 'name');
  check(c.backend, 'configuration', 'backend');
  check(score, 'score');
});

export const divisions = ['closed', 'open'] as const;
export type Division = (typeof divisions)[number];

/** One method at one speed-up under one strategy, over seeds, as somebody submitted it. */
export const entrySchema = z.strictObject({
  version: z.literal(1),
  /** Hash of all the rest but the verifications: what was submitted is never changed, only superseded. */
  id: hash,
  submitted: z.iso.datetime(),
  by: line(80),
  /** Closed: a protocol of the package as it is. Open: anything, said in `recipe`. */
  division: z.enum(divisions),
  recipe: text(10_000).nullable(),
  links: z.strictObject({ paper: link.optional(), code: link.optional() }),
  plugins: z.array(pluginSourceSchema),
  /** The entry that this one corrects, and why. */
  supersedes: z.strictObject({ id: hash, reason: text(2000) }).nullable(),
  records: z.array(entryRecordSchema).min(1),
  /** Only ever appended to. */
  verifications: z.array(verificationSchema),
});
export type Entry = z.infer<typeof entrySchema>;

/** The id that an entry must have. */
export function entryId({ id: _, verifications: _v, ...submitted }: Omit<Entry, 'id'> & { id?: string }): string {
  return hashOf(submitted);
}

/** Folder of an entry: model and data set. */
export const boardOf = ({ records: [record] }: Pick<Entry, 'records'>): string =>
  `${record!.configuration.model.id}-${record!.configuration.dataset.id}`;

/** Path of an entry under the folder of all leaderboards. */
export function pathOf(entry: Entry): string {
  const { configuration: c } = entry.records[0]!;
  const method = methodName(c).replaceAll(' ', '');
  return `${boardOf(entry)}/${method}-${c.strategy.id}-${c.speedup}x-${entry.id}.json`;
}

/** Text of an entry's file. */
export const entryText = (entry: Entry): string => json(entry);

/** What two seeds of the same have in common. */
export function settingOf({ seed: _, base: _b, model, ...rest }: Configuration): string {
  const { seed: _s, ...options } = model.options;
  return canonical({ ...rest, model: { id: model.id, options } });
}

/** The entry that a file holds. Throws with the file's name and what is wrong; nothing in the file is trusted. */
export function parseEntry(content: string, file: string): Entry {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new Error(`entry ${file}: not JSON`, { cause });
  }
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new Error(`entry ${file}: ${[path.join('.'), message].filter(Boolean).join(': ')}`);
  }
  return parsed.data;
}

/** A difference as an entry can hold it: cut to the length there is, without characters that act on a terminal. */
export function differenceOf(what: string, entry: string, here: string): Difference {
  const fit = (value: string, most: number) =>
    value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd').slice(0, most) || 'none';
  return { what: fit(what, 300), entry: fit(entry, 2000), here: fit(here, 2000) };
}

/** What differs between two values, by path, as `{ what: 'base.epochs', entry: '8', here: '9' }`. */
export function differencesOf(entry: object, here: object): Difference[] {
  const [a, b] = [flat(entry as Record<string, unknown>), flat(here as Record<string, unknown>)];
  const textOf = (value: unknown) =>
    typeof value === 'string' ? value : value === undefined ? 'none' : canonical(value);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter(what => textOf(a[what]) !== textOf(b[what]))
    .map(what => differenceOf(what, textOf(a[what]), textOf(b[what])));
}
