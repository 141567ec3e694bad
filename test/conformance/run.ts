/*
 * Runs the test suite that TensorFlow.js ships in its own package (jasmine, as its authors run it) on the cpu backend and
 * on ours, where every case must pass that passes on the cpu backend; exceptions are listed with their reason.
 * Run: npm run conformance [-- part of a name]
 */
import { createRequire } from 'node:module';
import { register } from '../../plugins/backends/onnxruntime/index.ts';
import { knownFailures } from './known-failures.ts';

interface Result {
  readonly fullName: string;
  readonly status: 'passed' | 'failed' | 'pending' | 'excluded';
  readonly failedExpectations: readonly { readonly message: string }[];
}

interface Jasmine {
  getEnv(): {
    configure(options: { random: boolean; specFilter: (spec: { getFullName(): string }) => boolean }): void;
    addReporter(reporter: { specDone(result: Result): void }): void;
    execute(): Promise<unknown>;
  };
}

const ours = 'onnxruntime';
const required = 0.99;
const part = process.argv[2] ?? '';

// Every call is lowered, however small: what would run on the cpu backend proves nothing.
register({ threads: 1, warn: false, smallElements: 0 });
const require = createRequire(import.meta.url);
const jasmineCore = require('jasmine-core') as { boot(core: unknown): Jasmine };
const jasmine = jasmineCore.boot(jasmineCore).getEnv();
const { setTestEnvs } = require('@tensorflow/tfjs-core/dist/jasmine_util.js') as {
  setTestEnvs(environments: readonly { name: string; backendName: string; isDataSync: boolean }[]): void;
};
setTestEnvs(['cpu', ours].map(name => ({ name, backendName: name, isDataSync: true })));
require('@tensorflow/tfjs-core/dist/tests.js');

/** Results by case. Names carry the environment; where groups are nested, the inner one counts. */
const results = { cpu: new Map<string, Result>(), [ours]: new Map<string, Result>() };
let others = 0;
jasmine.configure({ random: false, specFilter: spec => spec.getFullName().includes(part) });
jasmine.addReporter({
  specDone(result) {
    if (result.status !== 'passed' && result.status !== 'failed') return;
    const environment = new RegExp(` (cpu|${ours}) {}`, 'g');
    const backend = [...result.fullName.matchAll(environment)].at(-1)?.[1] as keyof typeof results | undefined;
    if (!backend) {
      others++;
      return;
    }
    const name = result.fullName.replaceAll(environment, '').replace(/\s+/g, ' ');
    if (results[backend].get(name)?.status !== 'failed') results[backend].set(name, result);
  },
});
await jasmine.execute();

const passing = [...results.cpu].filter(([, { status }]) => status === 'passed').map(([name]) => name);
const failing = passing.filter(name => results[ours].get(name)?.status !== 'passed');
const unexpected = failing.filter(name => !(name in knownFailures));
const mended = passing.filter(name => name in knownFailures && !failing.includes(name));
const share = 1 - failing.length / passing.length;

console.log(
  `\n${passing.length} cases of TensorFlow.js's suite pass on the cpu backend, and ${others} need no backend.`,
);
console.log(`${passing.length - failing.length} of them (${(100 * share).toFixed(2)} %) pass on ${ours}.`);
for (const name of failing.filter(name => name in knownFailures)) console.log(`known: ${name}: ${knownFailures[name]}`);
for (const name of mended) console.log(`passes now, take it off the list of known failures: ${name}`);
for (const name of unexpected) {
  const why = results[ours].get(name)?.failedExpectations.map(({ message }) => message.split('\n')[0]);
  console.log(`fails: ${name}: ${why?.join('; ') ?? 'did not run'}`);
}
// The suite leaves timers and workers behind.
process.exit(passing.length > 0 && unexpected.length + mended.length === 0 && share >= required ? 0 : 1);
