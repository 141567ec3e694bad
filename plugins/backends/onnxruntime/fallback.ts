import * as tf from '@tensorflow/tfjs';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import type { OnnxruntimeBackend } from './backend.ts';

/** The parts of tfjs's cpu backend used here. */
interface CpuBackend extends tf.KernelBackend {
  firstUse: boolean;
  data: { get(id: object): { complexTensorInfos?: { real: TensorInfo; imag: TensorInfo } } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values?: unknown): TensorInfo;
}

/** tfjs's cpu backend; its greeting, which recommends another backend, is left unsaid. */
export function cpuBackend(): CpuBackend {
  const cpu = tf.engine().findBackend('cpu') as CpuBackend;
  cpu.firstUse = false;
  return cpu;
}

/** A call with inputs as tfjs passes them: by name or, for some kernels, as a list. */
export type Inputs = Record<string, TensorInfo> | TensorInfo[];

/** Runs a kernel of tfjs's cpu backend on this backend's tensors. */
export function runOnCpu(
  kernel: KernelFunc,
  inputs: Inputs,
  attributes: Record<string, unknown>,
  backend: OnnxruntimeBackend,
): TensorInfo | TensorInfo[] {
  const cpu = cpuBackend();
  const made: TensorInfo[] = [];

  const real = (tensor: TensorInfo): TensorInfo => {
    const info = cpu.makeTensorInfo(tensor.shape, tensor.dtype, backend.peek(tensor.dataId));
    made.push(info);
    // Some kernels take their inputs for tensors.
    return { ...info, rank: tensor.shape.length } as TensorInfo;
  };
  const lend = (tensor: TensorInfo): TensorInfo => {
    const parts = backend.complexParts(tensor.dataId);
    if (!parts) return real(tensor);
    const info = complexOnCpu(
      cpu,
      { ...real(parts.real), shape: tensor.shape },
      { ...real(parts.imag), shape: tensor.shape },
    );
    made.push(info);
    return info;
  };
  const lendAny = (input: unknown): unknown => {
    if (Array.isArray(input)) return input.map(lendAny);
    return input === null || input === undefined ? input : lend(input as TensorInfo);
  };
  const lent = Array.isArray(inputs)
    ? inputs.map(lendAny)
    : Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, lendAny(tensor)]));

  const take = ({ dataId, shape, dtype }: TensorInfo): TensorInfo => {
    const parts = cpu.data.get(dataId).complexTensorInfos;
    if (parts) return backend.makeComplex(shape, take({ ...parts.real, shape }), take({ ...parts.imag, shape }));
    return { dataId: backend.write(cpu.readSync(dataId), shape, dtype), shape, dtype };
  };
  try {
    const out = kernel({ inputs: lent as tf.NamedTensorInfoMap, attrs: attributes as tf.NamedAttrMap, backend: cpu });
    const list = Array.isArray(out) ? out : [out];
    const results = list.map(take);
    const lentIds = new Set(made.map(info => info.dataId));
    for (const info of list) if (!lentIds.has(info.dataId)) cpu.disposeData(info.dataId, true);
    return Array.isArray(out) ? results : results[0]!;
  } finally {
    for (const info of made.reverse()) cpu.disposeData(info.dataId, true);
  }
}

function complexOnCpu(cpu: CpuBackend, real: TensorInfo, imag: TensorInfo): TensorInfo {
  const { kernelFunc } = tf.getKernel('Complex', 'cpu');
  return kernelFunc({ inputs: { real, imag }, backend: cpu }) as TensorInfo;
}
