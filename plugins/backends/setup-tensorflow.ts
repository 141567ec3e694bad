/*
 * Builds `@tensorflow/tfjs-node` with nothing but npm and PyPI: `npm run setup:tensorflow`. The package's own install
 * script downloads libtensorflow from a place that many machines do not reach. The same library is in the Python wheel of
 * TensorFlow, from which it is taken here; Python itself is not used at run time, and its version does not matter.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { useBackend } from '../../kernel/backend.ts';
import { tensorflowFolder } from '../../kernel/native.ts';
import { tensorflow } from './tensorflow.ts';

/** Versions of the wheel `tensorflow-cpu` that are known to work, the preferred one first. */
const wheels = ['2.15.1', '2.19.1', '2.21.0'];

const tfjsNode = `@tensorflow/tfjs-node@${tf.version.tfjs}`;
const vendor = `what works there is the package's own install script: npm install --no-save ${tfjsNode}`;
const python = process.env['PYTHON'] || 'python3';

const modules = join(tensorflowFolder, 'node_modules');
const addon = join(modules, '@tensorflow/tfjs-node');
const deps = join(addon, 'deps');
const download = join(tensorflowFolder, 'download');

/** A reason why it cannot be done, to be read by a person. */
class SetupError extends Error {}

/** Runs a program; null where there is none of that name. */
function run(program: string, args: readonly string[]): { ok: boolean; output: string } | null {
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return null;
  const ended = error?.message ?? (signal ? `ended by ${signal}` : '');
  return { ok: status === 0, output: [stdout, stderr, ended].join('') };
}

/** Runs a program that must succeed. */
function must(what: string, program: string, args: readonly string[]): void {
  const result = run(program, args);
  if (!result) throw new SetupError(`${what}: there is no ${program}`);
  if (!result.ok) throw new SetupError(`${what}:\n${lastLines(result.output)}`);
}

const lastLines = (text: string) => text.trim().split('\n').slice(-12).join('\n');

/** Compares the backend with plain JavaScript, in a process of its own. */
function check(): { ok: boolean; output: string } {
  return run(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'check'])!;
}

/** A convolution and its gradients must be what the cpu backend makes of them. */
async function compare(): Promise<void> {
  const compute = async (backend: string) => {
    await tf.setBackend(backend);
    const range = (shape: [number, number, number, number]) => {
      const size = shape.reduce((a, b) => a * b);
      return tf.tensor4d(
        Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
        shape,
      );
    };
    const f = (x: tf.Tensor, w: tf.Tensor) => tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'));
    const { value, grads } = tf.valueAndGrads((x, w) => tf.sum(f(x!, w!)))([range([2, 8, 8, 3]), range([3, 3, 3, 4])]);
    return [value, ...grads].flatMap(tensor => [...tensor.dataSync()]);
  };
  try {
    await useBackend([tensorflow], 'tensorflow');
  } catch (error) {
    throw new SetupError((error as Error).message);
  }
  const [got, expected] = [await compute('tensorflow'), await compute('cpu')];
  const apart = Math.max(...expected.map((value, i) => Math.abs(got[i]! - value) / (1 + Math.abs(value))));
  if (!(apart < 1e-4)) throw new SetupError(`it computes otherwise than the cpu backend (apart by ${apart})`);
}

/** The name of a C++ compiler that is there. */
function findCompiler(): string {
  const names = process.env['CXX'] ? [process.env['CXX']] : ['g++', 'c++', 'clang++'];
  const found = names.find(name => run(name, ['--version'])?.ok);
  if (!found)
    throw new SetupError(
      `no C++ compiler (${names.join(', ')}): install one, such as Debian's package g++, or name one in CXX`,
    );
  return found;
}

function checkMachine(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new SetupError(`this is for Linux on x64, not ${process.platform} on ${process.arch}; ${vendor}`);
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  if (!header.glibcVersionRuntime) throw new SetupError('TensorFlow needs glibc, which this Linux is without');
}

function checkPython(): void {
  if (!run(python, ['--version'])?.ok)
    throw new SetupError(`no Python (${python}): install Python 3, or name its program in PYTHON`);
  if (!run(python, ['-m', 'pip', '--version'])?.ok)
    throw new SetupError(`${python} has no pip: install it (Debian's package python3-pip), or name another in PYTHON`);
}

/** `tfjs-node` and what it needs, but for tfjs, which must be the one that this project computes with. */
async function installPackages(): Promise<void> {
  const options = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
  const prefix = ['--prefix', tensorflowFolder];
  must('npm install', 'npm', ['install', ...prefix, ...options, tfjsNode, 'node-api-headers@1']);
  const scope = join(modules, '@tensorflow');
  for (const name of await readdir(scope))
    if (name !== 'tfjs-node') await rm(join(scope, name), { recursive: true, force: true });
}

/** Downloads a wheel; returns its path. */
async function fetchWheel(): Promise<string> {
  const platforms = ['manylinux2014_x86_64', 'manylinux_2_27_x86_64'].flatMap(name => ['--platform', name]);
  const any = ['--no-deps', '--only-binary=:all:', '--python-version', '3.11', ...platforms];
  let last = '';
  for (const version of wheels) {
    const options = ['--disable-pip-version-check', '--no-cache-dir', '--quiet', '--dest', download];
    const result = run(python, ['-m', 'pip', 'download', ...options, ...any, `tensorflow-cpu==${version}`])!;
    if (result.ok) {
      const [wheel] = (await readdir(download)).filter(name => name.endsWith('.whl'));
      console.log(`     tensorflow-cpu ${version}`);
      return join(download, wheel!);
    }
    last = result.output;
  }
  throw new SetupError(
    `pip finds no wheel of tensorflow-cpu (tried ${wheels.join(', ')}, Linux x64); its last words:\n${lastLines(last)}`,
  );
}

/** The C library goes to `deps/lib`, its headers go to `deps/include`. */
const unpack = `
import os, re, shutil, sys, zipfile
wheel, target = sys.argv[1:]
headers = r'tensorflow/(include/(?:tensorflow/c|tensorflow/core/platform|tsl|xla/tsl)/.+\\.h)'
library = r'tensorflow/(libtensorflow_(?:cc|framework)\\.so\\.2)'
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        header, lib = re.fullmatch(headers, name), re.fullmatch(library, name)
        if header or lib:
            path = os.path.join(target, header.group(1) if header else 'lib/' + lib.group(1))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(name) as source, open(path, 'wb') as copy:
                shutil.copyfileobj(source, copy)
`;

/** Compiles the addon, which speaks version 8 of the Node-API, so that every Node.js of today loads it. */
async function compile(compiler: string): Promise<void> {
  const folder = join(addon, 'lib/napi-v8');
  await mkdir(folder, { recursive: true });
  const defines = ['-DNAPI_VERSION=8', '-DNODE_GYP_MODULE_NAME=tfjs_binding', '-DBUILDING_NODE_EXTENSION'];
  const includes = [join(modules, 'node-api-headers/include'), join(deps, 'include')].flatMap(path => [
    '-isystem',
    path,
  ]);
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map(name => join(addon, 'binding', name));
  const libraries = ['cc', 'framework'].map(name => join(deps, `lib/libtensorflow_${name}.so.2`));
  const linking = ['-Wl,-rpath,$ORIGIN/../../deps/lib', '-o', join(folder, 'tfjs_binding.node')];
  const options = ['-std=c++17', '-O2', '-w', '-fPIC', '-shared'];
  must(compiler, compiler, [...options, ...defines, ...includes, ...sources, ...libraries, ...linking]);
}

async function setup(): Promise<void> {
  const usage = "Use it: --backend tensorflow on the command line, or await useBackend('tensorflow').";
  if (check().ok) return console.log(`The tensorflow backend works already; nothing is done.\n${usage}`);
  checkMachine();
  checkPython();
  const compiler = findCompiler();
  await rm(tensorflowFolder, { recursive: true, force: true });
  try {
    await mkdir(download, { recursive: true });
    console.log(`Building ${tfjsNode}: 1 to 2 minutes, 0.7 GB on disk.`);
    console.log('1/5  packages from npm (about 20 s)');
    await installPackages();
    console.log("2/5  TensorFlow's C library from PyPI (200 MB)");
    const wheel = await fetchWheel();
    console.log('3/5  unpacking (about 10 s)');
    must('unpacking the wheel', python, ['-c', unpack, wheel, deps]);
    await rm(download, { recursive: true });
    console.log(`4/5  compiling with ${compiler} (about 20 s)`);
    await compile(compiler);
    console.log('5/5  a convolution and its gradients, against the cpu backend');
    const { ok, output } = check();
    if (!ok) throw new SetupError(`it was built, but does not work:\n${lastLines(output)}`);
    console.log(`The tensorflow backend works.\n${usage}`);
  } catch (error) {
    await rm(tensorflowFolder, { recursive: true, force: true });
    throw error;
  }
}

try {
  await (process.argv[2] === 'check' ? compare() : setup());
} catch (error) {
  console.error(`setup:tensorflow: ${error instanceof SetupError ? error.message : (error as Error).stack}`);
  process.exitCode = 1;
}
