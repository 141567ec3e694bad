import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { shapesOf } from '../../../kernel/graph/graph.ts';
import { readModel } from '../../../kernel/read-model.ts';
import { GraphBuilder } from '../../../plugins/backends/onnxruntime/onnx/index.ts';
import * as formats from '../../../plugins/formats/index.ts';

const read = (bytes: Uint8Array) => formats.onnx.read!(bytes);
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`./fixtures/${name}.onnx`, import.meta.url)));

// --- messages of protobuf, by hand -----------------------------------------------------------------------------------

const varint = (n: number | bigint): number[] => {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(n));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
};
const number = (field: number, n: number | bigint) => [...varint(field * 8), ...varint(n)];
const message = (field: number, ...parts: readonly (readonly number[])[]) => {
  const body = parts.flat();
  return [...varint(field * 8 + 2), ...varint(body.length), ...body];
};
const text = (field: number, value: string) => message(field, [...new TextEncoder().encode(value)]);

const dims = (...sizes: (number | string)[]) =>
  message(2, ...sizes.map(n => message(1, typeof n === 'string' ? text(2, n) : number(1, n))));
const info = (field: number, name: string, ...sizes: (number | string)[]) =>
  message(field, text(1, name), message(2, message(1, number(1, 1), dims(...sizes))));
const node = (type: string, inputs: string[], outputs: string[], ...attributes: number[][]) =>
  message(
    1,
    ...inputs.map(name => text(1, name)),
    ...outputs.map(name => text(2, name)),
    text(3, `the ${type}`),
    text(4, type),
    ...attributes,
  );
const tensor = (field: number, name: string, type: number, sizes: (number | bigint)[], ...data: number[][]) =>
  message(field, ...sizes.map(n => number(1, n)), number(2, type), text(8, name), ...data);
const ints = (name: string, type: number, ...values: number[]) =>
  message(5, text(1, name), ...values.map(n => number(type === 2 ? 3 : 8, n)), number(20, type));
const model = (...graph: number[][]) =>
  Uint8Array.from([...number(1, 8), ...message(8, number(2, 17)), ...message(7, text(2, 'g'), ...graph)]);
const image = info(11, 'x', 'batch', 3, 8, 8);
const output = info(12, 'y', 'batch', 3, 8, 8);

const faults: [string, Uint8Array, RegExp][] = [
  ['an empty file', new Uint8Array(0), /not an ONNX file: it is empty/],
  ['a file without a graph', Uint8Array.from(number(1, 8)), /not an ONNX file: it has no graph/],
  ['a number that goes on', new Uint8Array(64).fill(255), /not an ONNX file: a number of more than 10 bytes/],
  [
    'an operator set that is not known',
    Uint8Array.from([...message(8, number(2, 900)), ...message(7, image)]),
    /opset 900: 7 to 22 are read/,
  ],
  [
    'external data',
    model(
      image,
      tensor(5, 'w', 1, [4], message(13, text(1, 'location'), text(2, '/etc/passwd')), number(14, 1)),
      output,
    ),
    /initializer w: its values lie in another file/,
  ],
  [
    'a tensor that has less bytes than its shape',
    model(image, tensor(5, 'w', 1, [2 ** 30], message(9, [0, 0, 0, 0]))),
    /initializer w: shape \[1073741824\] has 1073741824 values, the file has 1 of float/,
  ],
  [
    'sizes beyond all bounds',
    model(image, tensor(5, 'w', 1, [2n ** 62n, 2n ** 62n], message(9, []))),
    /initializer w: shape \[4611686018427388000, 4611686018427388000\]/,
  ],
  ['a negative size', model(image, tensor(5, 'w', 1, [-1], message(9, [0, 0, 0, 0]))), /initializer w: shape \[-1\]/],
  [
    'an image of any size',
    model(info(11, 'x', 'batch', 3, 'height', 8), node('Relu', ['x'], ['y']), output),
    /input x: size height is free; only that of the batch may be, give it a size/,
  ],
  [
    'an input that is too large',
    model(info(11, 'x', 1, 2 ** 20, 2 ** 20, 2 ** 20), node('Relu', ['x'], ['y']), output),
    /Input x: its output \[batch, 1048576, 1048576, 1048576\] is too large/,
  ],
  [
    'a cycle',
    model(image, node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), output),
    /Add the Add: reads b, which is not given before it/,
  ],
  [
    'nodes out of order',
    model(image, node('Relu', ['a'], ['y']), node('Relu', ['x'], ['a']), output),
    /Relu the Relu: reads a, which is not given before it/,
  ],
  [
    'an output that is given twice',
    model(image, node('Relu', ['x'], ['y']), node('Sigmoid', ['x'], ['y']), output),
    /Sigmoid the Sigmoid: y is given twice/,
  ],
  ['an output that nobody gives', model(image, node('Relu', ['x'], ['z']), output), /output y is given by no node/],
  [
    'an op that is not known',
    model(image, node('Loop', ['x'], ['y']), output),
    /op Loop \(node the Loop, opset 17\) is not supported/,
  ],
  [
    'an op called like a method',
    model(image, node('constructor', ['x'], ['y']), output),
    /op constructor \(node the constructor, opset 17\) is not supported/,
  ],
  [
    'a constant that fills the memory',
    model(
      image,
      tensor(5, 's', 7, [2], message(7, varint(2 ** 20), varint(2 ** 20))),
      node('ConstantOfShape', ['s'], ['c']),
      node('Add', ['x', 'c'], ['y']),
      output,
    ),
    /ConstantOfShape the ConstantOfShape: the file computes more constants than it has bytes/,
  ],
  [
    'a range without an end',
    model(
      image,
      tensor(5, 'a', 1, [], message(4, [0, 0, 0, 0])),
      tensor(5, 'b', 1, [], message(4, [0, 0, 128, 127])),
      node('Range', ['a', 'b', 'b'], ['c']),
      output,
    ),
    /Range the Range: .*values|Range the Range: the file computes/,
  ],
  [
    'a sum of shapes that do not fit',
    model(image, info(11, 'z', 'batch', 4, 8, 8), node('Add', ['x', 'z'], ['y']), output),
    /Add the Add: shapes \[batch, 3, 8, 8\] and \[batch, 4, 8, 8\] do not fit/,
  ],
  [
    'an order that is none',
    model(image, node('Transpose', ['x'], ['y'], ints('perm', 7, 0, 1, 1, 9)), output),
    /Transpose the Transpose: order \[0, 1, 1, 9\]/,
  ],
  [
    'a window of no size',
    model(image, node('MaxPool', ['x'], ['y'], ints('kernel_shape', 7, 99, 99)), output),
    /MaxPool the MaxPool: windows of 99 x 99 over 8 x 8 places/,
  ],
];

describe('hostile ONNX files', () => {
  for (const [what, bytes, fault] of faults) it(`refuses ${what}`, () => assert.throws(() => read(bytes), fault));

  it('are not descended into', () => {
    let nested: number[] = [];
    for (let depth = 0; depth < 200; depth++)
      nested = message(5, text(1, 'body'), message(6, message(1, text(4, 'If'), nested)));
    assert.throws(
      () => read(model(image, node('If', ['x'], ['y'], nested), output)),
      /op If \(node the If, opset 17\)/,
    );
  });

  it('end where values double with every node', () => {
    const nodes = Array.from({ length: 60 }, (_, i) =>
      node('Concat', [`v${i}`, `v${i}`], [`v${i + 1}`], ints('axis', 2, 1)),
    );
    assert.throws(
      () => read(model(info(11, 'v0', 'batch', 3, 8, 8), ...nodes, info(12, 'v60', 'batch', 3, 8, 8))),
      /Concat the Concat: its output .+ is too large/,
    );
  });

  it('are refused wherever they are cut off', () => {
    const bytes = fixture('shuffles-13');
    for (let length = 0; length < bytes.length; length += 7)
      assert.throws(() => read(bytes.subarray(0, length)), Error, `${length} of ${bytes.length} bytes`);
  });

  const names = ['conv-11', 'transformer-17', 'decode-12', 'shuffles-dynamo-18'];
  it('with any bytes changed are a graph or an error that says something', () => {
    const files = names.map(fixture);
    const change = fc.record({ at: fc.nat(2 ** 20), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.nat(files.length - 1), fc.array(change, { minLength: 1, maxLength: 12 }), (which, changes) => {
        const bytes = files[which]!.slice();
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        readOrRefuse(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it('with any bytes at all are an error', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => readOrRefuse(bytes)),
      { numRuns: 500 },
    ));

  function readOrRefuse(bytes: Uint8Array): void {
    const before = process.memoryUsage();
    try {
      const graph = read(bytes);
      shapesOf(graph);
      for (const parameter of graph.parameters.values()) assert.equal(parameter.values.length, parameter.size);
    } catch (error) {
      // What the language itself says of undefined things is no message.
      assert.ok(error instanceof Error && error.message.length > 5, String(error));
      assert.doesNotMatch(
        error.message,
        /undefined|not iterable|null|is not a function|Invalid array length/,
        error.stack,
      );
      assert.ok(!(error instanceof TypeError), error.stack);
    }
    const after = process.memoryUsage();
    assert.ok(after.arrayBuffers - before.arrayBuffers < 64 * 2 ** 20, 'memory');
  }
});

describe('the kind of a model file', () => {
  const all = Object.values(formats);
  const kinds: [string, Uint8Array, RegExp][] = [
    ['an empty file', new Uint8Array(0), /not a model: the file is empty/],
    [
      'JSON',
      new TextEncoder().encode('{"a": 1}'),
      /not a model: its first bytes are of none of the formats onnx, pruningbench/,
    ],
    ['an archive, as PyTorch saves', Uint8Array.of(0x50, 0x4b, 3, 4), /not a model: its first bytes/],
    [
      'weights alone',
      new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]),
      /without a pruningbench graph: weights alone go into a model of the zoo/,
    ],
  ];
  for (const [what, bytes, fault] of kinds)
    it(`is not that of ${what}`, () => assert.throws(() => readModel(all, bytes), fault));
  it('is told by the bytes', () => {
    const graph = readModel(all, fixture('conv-11'));
    for (const format of all) assert.deepEqual(readModel(all, format.write(graph)).nodes.length, graph.nodes.length);
    // The first byte of a safetensors file is part of a length, and so any byte.
    const firsts = new Set<number>();
    for (let letters = 1; firsts.size < 32; letters++) {
      const bytes = formats.safetensors.write({ ...graph, name: 'n'.repeat(letters) });
      firsts.add(bytes[0]!);
      assert.equal(readModel(all, bytes).name.length, letters);
    }
  });
});

describe('initializers', () => {
  const file = (build: (b: GraphBuilder) => string) => {
    const b = new GraphBuilder();
    b.input('x', 'float32', ['batch', 2]);
    b.output(build(b), 'float32', ['batch', 2]);
    return b.encode();
  };
  it('are read as constants of nodes, as aliases, doubles and halves, packed and not', () => {
    const half = [0x00, 0x3c, 0x00, 0xc0, 0x00, 0x38, 0x00, 0x40];
    const double = [...new Uint8Array(Float64Array.of(1, -2, 0.5, 2).buffer)];
    const float = [...new Uint8Array(Float32Array.of(1, -2, 0.5, 2).buffer)];
    const bfloat = [0x80, 0x3f, 0x00, 0xc0, 0x00, 0x3f, 0x00, 0x40];
    const stored: Record<string, number[]> = {
      'raw float': tensor(5, 'w', 1, [2, 2], message(9, float)),
      float_data: tensor(5, 'w', 1, [2, 2], message(4, float)),
      'float_data, one by one': tensor(
        5,
        'w',
        1,
        [2, 2],
        ...[0, 4, 8, 12].map(i => [...varint(4 * 8 + 5), ...float.slice(i, i + 4)]),
      ),
      'raw double': tensor(5, 'w', 11, [2, 2], message(9, double)),
      double_data: tensor(5, 'w', 11, [2, 2], message(10, double)),
      'raw float16': tensor(5, 'w', 10, [2, 2], message(9, half)),
      'float16 in int32_data': tensor(
        5,
        'w',
        10,
        [2, 2],
        message(5, varint(0x3c00), varint(0xc000), varint(0x3800), varint(0x4000)),
      ),
      'raw bfloat16': tensor(5, 'w', 16, [2, 2], message(9, bfloat)),
    };
    for (const [what, initializer] of Object.entries(stored)) {
      const graph = read(
        model(
          info(11, 'x', 'batch', 2),
          initializer,
          node('Identity', ['w'], ['fc.weight']),
          node('MatMul', ['x', 'fc.weight'], ['y']),
          info(12, 'y', 'batch', 2),
        ),
      );
      assert.deepEqual([...graph.parameters.get('fc.kernel')!.values], [1, -2, 0.5, 2], what);
    }
    const constant = message(5, text(1, 'value'), tensor(5, '', 1, [2, 2], message(9, float)), number(20, 4));
    const graph = read(
      model(
        info(11, 'x', 'batch', 2),
        node('Constant', [], ['c'], constant),
        node('Gemm', ['x', 'c'], ['y'], ints('transB', 2, 1)),
        info(12, 'y', 'batch', 2),
      ),
    );
    assert.deepEqual([...[...graph.parameters.values()][0]!.values], [1, 0.5, -2, 2]);
  });
  it('that two layers share become the parameters of each', () => {
    const bytes = file(b => {
      const w = b.initializer('w', 'float32', [2, 2], [1, 2, 3, 4]);
      const [first] = b.node('MatMul', ['x', w]);
      return b.node('MatMul', [first!, w])[0]!;
    });
    const graph = read(bytes);
    assert.equal(graph.parameters.size, 2);
    for (const { values } of graph.parameters.values()) assert.deepEqual([...values], [1, 2, 3, 4]);
  });
});
