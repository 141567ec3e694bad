import type { Plan } from '../../kernel/bench/plan.ts';
import { hashOf } from '../../kernel/bench/record.ts';
import { splitMethod } from '../../kernel/text/schema.ts';
import type { Resources, RunKind } from './vocabulary.ts';

/** One run of a plan: it has one method, strategy, speed-up and seed. */
export interface RunDraft {
  readonly kind: RunKind;
  /** Equal for runs that compute the same. */
  readonly key: string;
  readonly plan: Plan;
  /** Key of the run whose model this one begins with. */
  readonly needs: string | undefined;
}

/**
 * The runs of a plan, each after the one it needs. What several methods, strategies and speed-ups have in common, the
 * training of base models and under regularizers, is a run of its own.
 */
export function expand(plan: Plan, resources: Resources): RunDraft[] {
  const { methods, strategies, speedups, seeds, ...common } = plan;
  const drafts = new Map<string, RunDraft>();
  const add = (kind: RunKind, identity: unknown, one: Plan, needs?: string): string => {
    const key = hashOf([kind, resources, needs ?? null, identity]);
    if (!drafts.has(key)) drafts.set(key, { kind, key, plan: one, needs });
    return key;
  };
  for (const seed of seeds)
    for (const strategy of strategies)
      for (const speedup of speedups)
        for (const method of methods) {
          const one: Plan = {
            ...common,
            methods: [method],
            strategies: [strategy],
            speedups: [speedup],
            seeds: [seed],
          };
          const { model, modelOptions, dataset, datasetOptions, protocol } = common;
          const start = { model, modelOptions, dataset, datasetOptions, seed };
          const base = protocol.base ? add('base', { ...start, training: protocol.base }, one) : undefined;
          const [, regularizer] = splitMethod(method);
          const sparsified = regularizer
            ? add('sparsified', { ...start, method, training: protocol.sparsify }, one, base)
            : undefined;
          add('pruned', one, one, sparsified ?? base);
        }
  return [...drafts.values()];
}
