import { useBackend as select, type BackendOptions } from '../kernel/backend.ts';
import { catalogue } from './catalogue.ts';

/** Whether a backend works, and the choice that is being made. */
let works = false;
let choosing: Promise<unknown> | undefined;

/** Chooses the tfjs backend by name, or the fastest that loads. Everything else here does so when it is first called. */
export async function useBackend(name?: string, options: BackendOptions = {}): ReturnType<typeof select> {
  const selected = select(catalogue.backends, name, options);
  choosing = selected;
  try {
    const backend = await selected;
    works = true;
    return backend;
  } finally {
    if (choosing === selected) choosing = undefined;
  }
}

/** Waits until a backend is there; chooses one where that has not been done. A choice that fails leaves the one before. */
export async function ready(): Promise<void> {
  if (works) await choosing?.catch(() => undefined);
  else await (choosing ?? useBackend());
}
