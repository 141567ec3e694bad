import type { Command } from 'commander';
import { z } from 'zod';
import { useBackend, type ChosenBackend } from '../backend.ts';
import { find, type Catalogue } from '../catalogue.ts';
import { usage } from './errors.ts';
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

/** Selects the backend that the flags name, or the fastest that works. */
export function backendFrom({ backends }: Catalogue, given: Given): Promise<ChosenBackend> {
  const wanted = given['backend'] as string | undefined;
  const options = readFlags(backendOptions, given);
  if (wanted !== undefined) usage(() => find('backend', backends, wanted));
  return useBackend(backends, wanted, options);
}
