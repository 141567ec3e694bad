import { execFileSync } from 'node:child_process';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { requireNative } from '../native.ts';
import type { RunRecord } from './record.ts';

const packages = ['@tensorflow/tfjs', 'onnxruntime-node', '@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'];

/** What made a record: versions, commit, machine. */
export function provenance(): RunRecord['provenance'] {
  const versions: Record<string, string> = { node: process.versions.node };
  for (const name of ['pruningbench', ...packages]) {
    const version = versionOf(name);
    if (version) versions[name] = version;
  }
  return {
    versions,
    commit: commit(),
    hardware: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${platform()}-${arch()}`,
    },
    peakMemoryMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  };
}

function versionOf(name: string): string | undefined {
  try {
    return (requireNative(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** Commit of the checkout this runs from, with `+` where it has changes; null outside a checkout. */
function commit(): string | null {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return git('rev-parse', '--short=12', 'HEAD') + (git('status', '--porcelain', '-uno') ? '+' : '');
  } catch {
    return null;
  }
}
