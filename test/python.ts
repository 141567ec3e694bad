import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const own = fileURLToPath(new URL('../.python/bin/python', import.meta.url));

/**
 * A Python that can import a module: the one that PRUNINGBENCH_PYTHON names, the one that test/python.sh makes, or
 * python3. Where there is none it says so, and the test that asks skips itself.
 */
export function pythonWith(module: string): string | undefined {
  const candidates = [process.env['PRUNINGBENCH_PYTHON'], own, 'python3'].filter(candidate => candidate !== undefined);
  const found = candidates.find(candidate => spawnSync(candidate, ['-c', `import ${module}`]).status === 0);
  if (!found) console.log(`      skipped: no Python with ${module} (test/python.sh makes one)`);
  return found;
}

/** Runs a script with JSON on its standard input and returns the JSON it prints. Throws with what it said where it fails. */
export function runPython<T>(python: string, script: URL, input: unknown, env: NodeJS.ProcessEnv = {}): T {
  const { status, stdout, stderr } = spawnSync(python, [fileURLToPath(script)], {
    input: JSON.stringify(input),
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${fileURLToPath(script)} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
