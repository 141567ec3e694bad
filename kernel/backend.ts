import { find } from './catalogue.ts';
import type { Backend } from './plugin.ts';

export interface BackendOptions {
  /** Threads that compute (default: as the backend sees fit). */
  readonly threads?: number | undefined;
  /** Execution provider of `onnxruntime`, as in `cuda` (default `cpu`). */
  readonly provider?: string | undefined;
}

export interface ChosenBackend {
  /** Its name, here and in tfjs. */
  readonly id: string;
  /** Version of tfjs. */
  readonly version: string;
  /** Those that would have come before it, and why they could not be used. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Makes a backend the one that tfjs computes with: the one that is asked for, or the fastest that works here.
 * Throws where the one that is asked for does not work, with the reason; it is never replaced by another.
 */
export async function useBackend(
  backends: readonly Backend[],
  wanted?: string,
  options: BackendOptions = {},
): Promise<ChosenBackend> {
  const { threads, provider } = options;
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new RangeError(`threads ${threads}: must be a whole number from 1 on`);
  const candidates =
    wanted === undefined
      ? inTurn(backends).filter(({ hasProviders }) => hasProviders || provider === undefined)
      : [find('backend', backends, wanted)];
  const skipped: { id: string; reason: string }[] = [];
  for (const backend of candidates) {
    try {
      return { id: backend.id, version: await start(backend, options), skipped };
    } catch (error) {
      const reason = (error as Error).message;
      if (wanted !== undefined) throw new Error(`backend ${backend.id}: ${reason}`, { cause: error });
      skipped.push({ id: backend.id, reason });
    }
  }
  const reasons = skipped.map(({ id, reason }) => `${id}: ${reason}`).join('; ');
  throw new Error(`no backend works here${reasons && ` (${reasons})`}`);
}

/** What is tried where none is asked for; the first that computes is used. */
const inTurn = (backends: readonly Backend[]): Backend[] =>
  backends
    .flatMap(backend => (backend.turn ? [{ backend, turn: backend.turn() }] : []))
    .sort((a, b) => a.turn - b.turn)
    .map(({ backend }) => backend);

/** Registers and selects a backend and lets it compute something; returns the version of tfjs. */
async function start(backend: Backend, { threads, provider }: BackendOptions): Promise<string> {
  if (provider !== undefined && !backend.hasProviders)
    throw new Error(`execution provider ${provider}: this backend has none to choose from`);
  await backend.register({
    ...(threads === undefined ? {} : { threads }),
    ...(provider === undefined ? {} : { provider }),
  });
  const tf = await import('@tensorflow/tfjs');
  // tfjs would advertise faster backends on the console.
  tf.env().set('PROD', true);
  if (!(await tf.setBackend(backend.id))) throw new Error('tfjs could not initialize it');
  const sum = tf.tidy(() => tf.add(tf.scalar(1), tf.scalar(2)));
  const [value] = await sum.data();
  sum.dispose();
  if (value !== 3) throw new Error(`it says that 1 + 2 is ${value}`);
  return tf.version.tfjs;
}
