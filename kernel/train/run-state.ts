import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import type { Network } from '../graph/run.ts';
import { readCheckpoint, writeCheckpoint, type Identity } from './checkpoint.ts';
import type { LossSum } from './losses.ts';
import type { NamedVariables, Optimizer } from './optimizer.ts';
import type { StoredTensor } from '../safetensors.ts';

/** One epoch as it went. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the epoch's images. */
  readonly loss: number;
  /** Of the last step. */
  readonly learningRate: number;
  readonly seconds: number;
  /** The task's numbers on the test split, where the epoch was evaluated. */
  readonly scores?: Readonly<Record<string, number>>;
}

export interface Best {
  /** From 1. */
  readonly epoch: number;
  readonly score: number;
}

/** Where a run stands between two batches; with the variables all that the rest of it depends on. */
export interface RunState {
  /** Epochs that are complete. */
  readonly epoch: number;
  /** Steps of the next epoch that are done; order and augmentation go on from there. */
  readonly step: number;
  readonly losses: LossSum;
  readonly updates: number;
  readonly history: readonly EpochRecord[];
  readonly best?: Best;
}

/** Everything that changes in a run, by the names it has in a checkpoint. */
function variablesOf(network: Network, optimizer: Optimizer, slots: NamedVariables | undefined): NamedVariables {
  const named = (kind: string, variables: Iterable<[string, tf.Variable]>) =>
    [...variables].map(([name, variable]) => [`${kind}/${name}`, variable] as const);
  return new Map([
    ...named('parameter', network.variables),
    ...named('optimizer', optimizer.slots),
    ...named('regularizer', slots ?? []),
  ]);
}

/** Files of a run in a folder: `last.safetensors`, and `best.safetensors` where the best weights are wanted. */
export class RunFiles {
  readonly #folder: string;
  readonly #written: ((path: string) => void) | undefined;
  readonly #identity: Identity;
  readonly #variables: NamedVariables;
  readonly #optimizer: Optimizer;

  constructor(
    { folder, written }: { folder: string; written?: ((path: string) => void) | undefined },
    identity: Identity,
    network: Network,
    optimizer: Optimizer,
    slots: NamedVariables | undefined,
  ) {
    this.#folder = folder;
    this.#written = written;
    this.#identity = identity;
    this.#variables = variablesOf(network, optimizer, slots);
    this.#optimizer = optimizer;
  }

  async save(file: 'last' | 'best', state: RunState): Promise<void> {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, variable] of this.#variables)
      tensors.set(name, { shape: variable.shape, values: (await variable.data()) as Float32Array });
    const path = this.#path(file);
    await writeCheckpoint(path, { identity: this.#identity, state, tensors });
    this.#written?.(path);
  }

  /** Brings the variables to what a file holds, and returns the state of that time; undefined where there is no file. */
  async restore(file: 'last' | 'best'): Promise<RunState | undefined> {
    const path = this.#path(file);
    const checkpoint = await readCheckpoint<RunState>(path, this.#identity);
    if (!checkpoint) return undefined;
    for (const [name, variable] of this.#variables) {
      const saved = checkpoint.tensors.get(name);
      if (!saved) throw new Error(`checkpoint ${path}: no tensor ${name}`);
      if (saved.shape.join() !== variable.shape.join())
        throw new Error(
          `checkpoint ${path}: ${name} is [${saved.shape.join(', ')}], expected [${variable.shape.join(', ')}]`,
        );
    }
    tf.tidy(() => {
      for (const [name, variable] of this.#variables) {
        const { values, shape } = checkpoint.tensors.get(name)!;
        variable.assign(tf.tensor(values, [...shape]));
      }
    });
    this.#optimizer.steps = checkpoint.state.updates;
    return checkpoint.state;
  }

  #path(file: string): string {
    return join(this.#folder, `${file}.safetensors`);
  }
}
