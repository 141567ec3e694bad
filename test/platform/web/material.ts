import { groupsChart } from '../../../kernel/bench/groups-chart.ts';
import type { RunRecord } from '../../../kernel/bench/record.ts';
import { standings } from '../../../kernel/bench/leaderboard.ts';
import { count } from '../../../kernel/graph/count.ts';
import { groups } from '../../../kernel/graph/groups.ts';
import type { Graph } from '../../../kernel/graph/graph.ts';
import { leaderboardsFolder, readEntries } from '../../../kernel/leaderboard/store.ts';
import { parseOptions } from '../../../kernel/options.ts';
import { prune } from '../../../kernel/prune/prune.ts';
import { publishedRows } from '../../../datasets/paper/published.ts';
import { catalogue } from '../../../plugins/catalogue.ts';
import { magnitudeL2 } from '../../../plugins/criteria/index.ts';
import { onnx } from '../../../plugins/formats/index.ts';
import { resnet18 } from '../../../plugins/models/index.ts';
import { protectedGlobal } from '../../../plugins/strategies/index.ts';
import {
  catalogueSchema,
  standingSchema,
  type Check,
  type GroupFile,
  type Layers,
  type StandingInfo,
} from '../../../plugins/platform/api.ts';
import type { Plan } from '../../../kernel/bench/plan.ts';
import { catalogueInfo as ownCatalogue } from '../../../plugins/platform/server/catalogue-info.ts';
import { expand } from '../../../plugins/platform/expand.ts';
import { groupsOf, layersOf } from '../../../plugins/platform/worker/result-files.ts';

// What the fixture has to show: the package's own plugins, records and entries.

/** The catalogue of a server that has CIFAR-10 and what needs no files. */
export const catalogueInfo = catalogueSchema.parse({
  ...ownCatalogue(catalogue, '0.1.0'),
  datasets: ownCatalogue(catalogue, '0.1.0').datasets.map(dataset => ({
    ...dataset,
    unavailable: /^(shapes|cifar10$)/.test(dataset.id) ? null : 'its files are not on this server',
  })),
  workers: { cpu: 1, gpu: 0 },
});

/** Records of real runs, those of one leaderboard. */
export const records: readonly RunRecord[] = (await readEntries(leaderboardsFolder()))
  .flatMap(({ entry }) => entry.records)
  .filter(({ configuration }) => configuration.dataset.id === 'shapes');

const graphs = new Map<string, Graph>();

/** What a plan would be. The fixture knows that VGG has no norm-free groups, and that detectors have no `obd-c`. */
export function check(plan: Plan): Check {
  const model = catalogue.models.find(({ id }) => id === plan.model);
  const problems: Check['problems'] = [];
  if (!model && !plan.model.startsWith('upload:'))
    problems.push({ path: 'model', message: `unknown model ${plan.model}` });
  if (model && !plan.protocol.base)
    problems.push({ path: 'protocol.base', message: `${plan.model} has no weights: it needs a training` });
  if (plan.speedups.some(speedup => speedup > 50))
    problems.push({ path: `speedups.${plan.speedups.length - 1}`, message: 'is more than any group can give' });
  const graph = model && built(model.id, plan.modelOptions);
  const detector = model?.task === 'detection';
  const transformer = plan.model.startsWith('vit');
  const total = plan.methods.length * plan.speedups.length * plan.seeds.length * 260;
  return {
    problems,
    runs: expand(plan, 'cpu').length,
    model: graph
      ? {
          ...sizeOf(graph),
          groups: groups(graph).map(({ id, units, members, protected: reason = null }) => ({
            id,
            units,
            members: [...new Set(members.map(({ parameter }) => parameter.slice(0, parameter.lastIndexOf('.'))))],
            protected: reason,
          })),
        }
      : null,
    estimate: graph
      ? {
          base: 420,
          sparsify: 0,
          prune: total / 10,
          finetune: total,
          overhead: 0,
          total: 420 + 1.1 * total,
          basis: 'From 3 runs of this network on the workers here.',
        }
      : null,
    impossible: {
      criteria: {
        ...(detector ? { 'obd-c': 'its outputs state no distribution' } : {}),
        ...(transformer ? { 'bn-scale': 'finds nothing to score in this model' } : {}),
      },
      regularizers: transformer ? { 'bn-scale': 'finds nothing to make sparse in this model' } : {},
    },
  };
}

const sizeOf = (graph: Graph) => {
  const { params, macs } = count(graph);
  return { params, macs };
};

function built(id: string, options: Readonly<Record<string, unknown>>): Graph {
  const key = JSON.stringify([id, options]);
  const model = catalogue.models.find(one => one.id === id)!;
  const graph = graphs.get(key) ?? model.build(parseOptions(model, options));
  graphs.set(key, graph);
  return graph;
}

interface PrunedFiles {
  readonly layers: Layers;
  readonly groups: GroupFile;
  readonly drawing: object;
  readonly onnx: Uint8Array;
}
let pruned: Promise<PrunedFiles> | undefined;

/** Files of a small network that was pruned to half its work, as a worker writes them. */
export function prunedFiles(): Promise<PrunedFiles> {
  return (pruned ??= (async () => {
    const graph = resnet18.build(parseOptions(resnet18, { width: 0.125 }));
    const { graph: small } = await prune(graph, { criterion: magnitudeL2, strategy: protectedGlobal, speedup: 2 });
    return {
      layers: layersOf(graph, small),
      groups: groupsOf(graph),
      drawing: groupsChart(graph).spec,
      onnx: onnx.write(small),
    };
  })());
}

type Row = ReturnType<typeof standings>[number];

const standing = (source: StandingInfo['source'], ids: readonly string[]) => (row: Partial<Row>) =>
  standingSchema.parse(
    Object.fromEntries(
      Object.keys(standingSchema.shape).map(key => [
        key,
        key === 'source'
          ? source
          : key === 'ids'
            ? ids
            : key === 'runs'
              ? (row.runs ?? 1)
              : (row[key as keyof Row] ?? null),
      ]),
    ),
  );

export const standingsOf = (list: readonly RunRecord[], ids: readonly string[]): StandingInfo[] =>
  standings(list).map(standing('runs', ids));

export const entryRows: readonly StandingInfo[] = standings(records, () => ({
  entry: 'e',
  by: 'the maintainers',
  division: 'closed',
  status: 'reproduced',
})).map(standing('entries', []));

/** The paper's rows, ranked here: the file says a rank of regularized methods of their own. */
export const paperRows: readonly StandingInfo[] = (() => {
  const rows = publishedRows();
  const ranked = rows.map(row => {
    const same = rows.filter(
      one => one.model === row.model && one.dataset === row.dataset && one.speedup === row.speedup,
    );
    const rank = 1 + same.filter(({ score }) => score > row.score).length;
    return standing('paper', [])({ ...(row as object as Row), rank, runs: 1 });
  });
  return ranked.sort((a, b) => a.speedup - b.speedup || a.rank - b.rank);
})();
