import { z } from 'zod';
import { Builder, fanInUniform, normal, uniform, zeros } from '../../kernel/graph/builder.ts';
import { defineModel } from '../../kernel/plugin.ts';
import { imageModelOptions, imageShape, imageSide, isSmall } from './options.ts';

const vitOptions = imageModelOptions.extend({
  patch: z.int().min(1).optional().describe('side of a patch in pixels (default 16, for images below 64 pixels 4)'),
  depth: z.int().min(1).default(12).describe('number of blocks'),
  prune: z
    .enum(['dimensions', 'heads'])
    .default('dimensions')
    .describe('what goes from attention: a dimension of all heads, or a head'),
});
type VitOptions = z.infer<typeof vitOptions>;

/** timm's normal is truncated at -2 and 2, a hundred deviations: no value is that far out. */
const initial = { kernelInitializer: normal(0.02), biasInitializer: zeros };

/** Pre-norm block: attention, then two dense layers four times as wide inside. */
function block(b: Builder, id: string, x: string, heads: number, prune: VitOptions['prune']): string {
  const channels = b.channels(x);
  const qkv = b.dense(`${id}.attn.qkv`, b.layerNorm(`${id}.norm1`, x), { units: 3 * channels, ...initial });
  const [q, k, v] = ['q', 'k', 'v'].map((part, i) => b.slice(`${id}.attn.${part}`, qkv, i * channels, channels));
  let y = b.attention(`${id}.attn.mix`, q!, k!, v!, { heads, prune });
  x = b.add(`${id}.add1`, x, b.dense(`${id}.attn.proj`, y, { units: channels, ...initial }));
  y = b.dense(`${id}.mlp.fc1`, b.layerNorm(`${id}.norm2`, x), { units: 4 * channels, ...initial });
  y = b.dense(`${id}.mlp.fc2`, b.activation('gelu', `${id}.mlp.act`, y), { units: channels, ...initial });
  return b.add(`${id}.add2`, x, y);
}

/** Names are timm's. A width scales the size of the heads, not their number. */
const definition = (id: string, title: string, heads: number) =>
  defineModel<VitOptions>({
    id,
    title,
    paper: 'Dosovitskiy et al. 2021, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale',
    task: 'classification',
    options: vitOptions,
    build(options) {
      const { patch = isSmall(options) ? 4 : 16, prune } = options;
      if (imageSide(options) % patch)
        throw new RangeError(`${id}: an image of ${imageSide(options)} pixels in patches of ${patch}`);
      const b = new Builder(id, options.seed);
      const filters = heads * Math.max(1, Math.round(64 * options.width));
      const bound = 1 / Math.sqrt(patch * patch * options.channels);
      let x = b.conv('patch_embed.proj', b.input('image', imageShape(options)), {
        filters,
        kernel: patch,
        stride: patch,
        bias: true,
        kernelInitializer: fanInUniform,
        biasInitializer: uniform(bound),
      });
      x = b.classToken('cls_token', b.tokens('patch_embed.tokens', x), { initializer: normal(1e-6) });
      x = b.positionEmbedding('pos_embed', x, { initializer: normal(0.02) });
      for (let i = 0; i < options.depth; i++) x = block(b, `blocks.${i}`, x, heads, prune);
      return b.build(b.dense('head', b.token('pool', b.layerNorm('norm', x)), { units: options.classes, ...initial }));
    },
  });

export const vitTiny = definition('vit-tiny', 'ViT-Ti/16', 3);
export const vitSmall = definition('vit-small', 'ViT-S/16', 6);
export const vitBase = definition('vit-base', 'ViT-B/16', 12);
