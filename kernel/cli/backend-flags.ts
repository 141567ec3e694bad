import type { Command } from 'commander';
import { z } from 'zod';
import { useBackend, type BackendOptions, type ChosenBackend } from '../backend.ts';
import { find, type Catalogue } from '../catalogue.ts';
import { usage } from '../text/usage.ts';
import { addFlags, readFlags, type Given } from './flags.ts';

const backendOptions = z.object({
  threads: z.int().positive().optional().describe('threads that compute (default: as the backend sees fit)'),
  provider: z
    .string()
    .optional()
    .describe("ONNX Runtime's execution provider: cpu, or cuda, webgpu, coreml, dml where the installed one offers it"),
});

/** Adds `--backend` and how it computes. */
export function addBackendFlags(command: Command, { backends }: Catalogue, what = 'what computes'): Command {
  const names = backends.map(({ id }) => id).join('|');
  command.option('--backend <name>', `${what}: ${names} (default: the fastest that loads)`);
  return addFlags(command, backendOptions);
}

/** The backend that the flags name, and how it is to compute. */
export function backendChoice({ backends }: Catalogue, given: Given): BackendOptions & { backend: string | undefined } {
  const backend = given['backend'] as string | undefined;
  if (backend !== undefined) usage(() => find('backend', backends, backend));
  return { backend, ...readFlags(backendOptions, given) };
}

/** Selects the backend that the flags name, or the fastest that works. */
export function backendFrom(catalogue: Catalogue, given: Given): Promise<ChosenBackend> {
  const { backend, ...options } = backendChoice(catalogue, given);
  return useBackend(catalogue.backends, backend, options);
}
