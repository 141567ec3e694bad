import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { defineOp, free, imageSizes, integers } from '../op.ts';

const attributes = z.strictObject({
  /** Places along each side of the square that a place's channels become. */
  block: z.int().positive(),
  /** Order of the block x block channels of a place, as ONNX names it: those of one square side by side, or strewn. */
  mode: z.enum(['DCR', 'CRD']),
});
type Attributes = z.infer<typeof attributes>;

/** With channel c of a square's place p: where it stands among the deep channels. */
const deep = ({ mode, block }: Attributes, channels: number) =>
  mode === 'DCR' ? (c: number, p: number) => p * channels + c : (c: number, p: number) => c * block * block + p;

/**
 * Channels to places, as in a pixel shuffle (Shi et al. 2016): `[height, width, block^2 x channels]` becomes
 * `[block x height, block x width, channels]`. In mode CRD, PyTorch's PixelShuffle, the block^2 channels of an output
 * channel stand side by side; in mode DCR, TensorFlow's depth_to_space, the channels of an output place do. The block^2
 * channels of an output channel are one unit.
 */
export const depthToSpace = defineOp<Attributes>({
  attributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { block }, inputs: [x] }) {
    const [height, width, channels] = imageSizes(`depth-to-space ${id}`, x!);
    if (channels % block ** 2)
      throw new RangeError(`depth-to-space ${id}: ${channels} channels in blocks of ${block} x ${block}`);
    return [height * block, width * block, channels / block ** 2];
  },
  couple({ attributes: a }, [input], coupling) {
    const places = a.block ** 2;
    const channels = input!.ids.length / places;
    const at = deep(a, channels);
    const ofPlace = (p: number) => Int32Array.from({ length: channels }, (_, c) => input!.ids[at(c, p)]!);
    const first = ofPlace(0);
    for (let p = 1; p < places; p++) coupling.tie(first, ofPlace(p));
    return { ids: first, zero: input!.zero };
  },
  // tfjs has depthToSpace, but no gradient of it.
  forward({ attributes: { block, mode }, inputs: [shape] }, [x]) {
    const [height, width, depth] = shape as [number, number, number];
    const channels = depth / block ** 2;
    const rows =
      mode === 'DCR'
        ? tf.transpose(tf.reshape(x!, [-1, width, block, block * channels]), [0, 2, 1, 3])
        : tf.transpose(tf.reshape(x!, [-1, width, channels, block, block]), [0, 3, 1, 4, 2]);
    return tf.reshape(rows, [-1, height * block, width * block, channels]);
  },
  work: () => free,
  onnx: ({ attributes: { block, mode } }, [x], writer) => writer.op('DepthToSpace', [x!], { blocksize: block, mode }),
});

/**
 * Places to channels, the inverse of `depth-to-space`: `[block x height, block x width, channels]` becomes
 * `[height, width, block^2 x channels]`. Mode CRD is PyTorch's PixelUnshuffle, DCR is TensorFlow's and ONNX's
 * SpaceToDepth. A channel takes its block^2 copies with it.
 */
export const spaceToDepth = defineOp<Attributes>({
  attributes,
  roles: [],
  arity: [1, 1],
  shape({ id, attributes: { block }, inputs: [x] }) {
    const [height, width, channels] = imageSizes(`space-to-depth ${id}`, x!);
    if (height % block || width % block)
      throw new RangeError(`space-to-depth ${id}: ${height} x ${width} places in blocks of ${block} x ${block}`);
    return [height / block, width / block, channels * block ** 2];
  },
  couple({ attributes: a }, [input]) {
    const { ids, zero } = input!;
    const places = a.block ** 2;
    const at = deep(a, ids.length);
    const out = new Int32Array(ids.length * places);
    ids.forEach((id, c) => {
      for (let p = 0; p < places; p++) out[at(c, p)] = id;
    });
    return { ids: out, zero };
  },
  forward({ attributes: { block, mode }, inputs: [shape] }, [x]) {
    const [height, width, channels] = shape as [number, number, number];
    const rows =
      mode === 'DCR'
        ? tf.transpose(tf.reshape(x!, [-1, block, width / block, block * channels]), [0, 2, 1, 3])
        : tf.transpose(tf.reshape(x!, [-1, block, width / block, block, channels]), [0, 2, 4, 1, 3]);
    return tf.reshape(rows, [-1, height / block, width / block, channels * block ** 2]);
  },
  work: () => free,
  onnx({ attributes: { block, mode }, inputs: [shape] }, [x], writer) {
    if (mode === 'DCR') return writer.op('SpaceToDepth', [x!], { blocksize: block });
    const [height, width, channels] = shape as [number, number, number];
    const reshaped = (value: string, ...dims: number[]) => writer.op('Reshape', [value, integers(dims, writer)]);
    const [h, w] = [height / block, width / block];
    const squares = writer.op('Transpose', [reshaped(x!, 0, channels, h, block, w, block)], {
      perm: [0, 1, 3, 5, 2, 4],
    });
    return reshaped(squares, 0, channels * block ** 2, h, w);
  },
});
