import { useBackend as select, type BackendOptions } from '../kernel/backend.ts';
import { catalogue } from './catalogue.ts';

let chosen: Promise<unknown> | undefined;

/** Chooses the tfjs backend by name, or the fastest that loads. Everything else here does so when it is first called. */
export function useBackend(name?: string, options: BackendOptions = {}): ReturnType<typeof select> {
  const selected = select(catalogue.backends, name, options);
  chosen = selected;
  return selected;
}

/** Waits until a backend is there; chooses one where that has not been done. */
export const ready = (): Promise<unknown> => (chosen ??= useBackend());
