import { useEffect, useRef, useState } from 'preact/hooks';
import { canonical } from '../../../../kernel/bench/canonical.ts';
import type { Plan } from '../../../../kernel/bench/plan.ts';
import type { Check } from '../../api.ts';
import type { Resources } from '../../vocabulary.ts';
import type { ApiError } from '../http.ts';
import { post } from '../http.ts';

export interface Checks {
  /** By plan; undefined where it is not known yet. */
  readonly results: readonly (Check | undefined)[];
  readonly pending: boolean;
  readonly error: ApiError | undefined;
  readonly impossible: NonNullable<Check['impossible']>;
}

/** So many plans are looked at. */
const most = 12;
const pause = 350;
const remembered = 200;

/** What plans would be, asked of the server a moment after they have changed. */
export function useChecks(plans: readonly Plan[], resources: Resources): Checks {
  const known = useRef(new Map<string, Check>());
  const [state, setState] = useState<Checks>({
    results: [],
    pending: true,
    error: undefined,
    impossible: { criteria: {}, regularizers: {} },
  });
  const text = canonical([plans, resources]);
  useEffect(() => {
    if (plans.length === 0) {
      setState(before => ({ ...before, results: [], pending: false, error: undefined }));
      return;
    }
    const controller = new AbortController();
    const keys = plans.slice(0, most).map(plan => canonical([plan, resources]));
    const tell = (pending: boolean, error?: ApiError) => {
      const results = keys.map(key => known.current.get(key));
      const first = results.find(result => result?.impossible)?.impossible;
      setState(before => ({ results, pending, error, impossible: first ?? before.impossible }));
    };
    const run = async () => {
      try {
        for (const [i, key] of keys.entries()) {
          if (known.current.has(key)) continue;
          const { signal } = controller;
          const answer = await post<Check>('api/check', { plan: plans[i], resources }, { signal });
          if (known.current.size >= remembered) known.current.clear();
          known.current.set(key, answer);
          if (!signal.aborted) tell(i < keys.length - 1);
        }
        if (!controller.signal.aborted) tell(false);
      } catch (error) {
        if ((error as Error).name !== 'AbortError') tell(false, error as ApiError);
      }
    };
    const missing = keys.some(key => !known.current.has(key));
    setState(before => ({ ...before, pending: missing }));
    const timer = setTimeout(() => void run(), missing ? pause : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text]);
  return state;
}
