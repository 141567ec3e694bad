import { inspect } from 'node:util';
import type { Spec } from 'vega';
import type { TopLevelSpec } from 'vega-lite';
import { chartStyle } from './chart-style.ts';
import { displaySymbol, type Displayable, type MimeBundle } from './mime.ts';
import { isTable, type TableSource } from './table.ts';

/** A Vega-Lite specification; its data can also be given beside it. */
export type ChartSpec = WithoutData<TopLevelSpec> & { readonly data?: TopLevelSpec['data'] };
type WithoutData<T> = T extends unknown ? Omit<T, 'data'> : never;

const schema = 'https://vega.github.io/schema/vega-lite/v5.json';
const mimeType = 'application/vnd.vegalite.v5+json';

/** Whether a value is a Vega-Lite specification, by its `$schema`. */
export const isVegaLite = (value: unknown): boolean => {
  const { $schema } = value as { $schema?: unknown };
  return typeof $schema === 'string' && $schema.includes('/vega-lite/');
};

interface TextItem {
  readonly text?: unknown;
  readonly fontSize?: number;
  readonly fontWeight?: unknown;
}
interface TextMetrics {
  width(item: TextItem, text?: unknown): number;
}

/** Width of a text in a sans-serif font. Without a canvas vega takes all letters for wide, and leaves empty strips. */
function textWidth({ text: own, fontSize = 11, fontWeight }: TextItem, text = own): number {
  const ems = [...String(text ?? '')].map(letter => {
    if (/[ .,:;'|!()[\]fijlrt-]/.test(letter)) return 0.4;
    return /[mwMW@%]/.test(letter) ? 0.95 : /[A-Z]/.test(letter) ? 0.7 : 0.63;
  });
  return ems.reduce((sum, em) => sum + em, 0) * fontSize * (fontWeight === 'bold' ? 1.1 : 1);
}

/** A Vega-Lite chart: the specification for notebooks, an SVG for everything else. */
export class Chart implements Displayable {
  /** The specification as it is sent. */
  readonly spec: TopLevelSpec;

  constructor(spec: ChartSpec, data?: TableSource) {
    const values = data && (isTable(data) ? data.objects() : data);
    const config = { ...chartStyle, ...spec.config } as TopLevelSpec['config'];
    this.spec = { ...spec, ...(values && { data: { values } }), config, $schema: schema } as TopLevelSpec;
  }

  /** Renders it with vega, which is loaded now. Throws what Vega-Lite finds wrong. */
  async toSvg(): Promise<string> {
    const [{ compile }, vega] = await Promise.all([import('vega-lite'), import('vega')]);
    (vega as unknown as { textMetrics: TextMetrics }).textMetrics.width = textWidth;
    const warnings: string[] = [];
    const collect = (...args: readonly unknown[]) => (warnings.push(args.join(' ')), logger);
    const logger = { level: () => logger, error: collect, warn: collect, info: () => logger, debug: () => logger };
    const compiled = compile(this.spec, { logger: logger as never }).spec as Spec;
    const view = new vega.View(vega.parse(compiled), { renderer: 'none', logLevel: vega.Error });
    try {
      return await view.toSVG();
    } finally {
      view.finalize();
    }
  }

  /** One line that says what it shows. */
  toString(): string {
    const { mark, encoding, title, data } = this.spec as object as Record<string, unknown>;
    const kind = typeof mark === 'string' ? mark : ((mark as { type?: string } | undefined)?.type ?? 'layered');
    const fields = Object.entries((encoding ?? {}) as Record<string, { field?: unknown; aggregate?: unknown }>)
      .filter(([, channel]) => channel.field !== undefined || channel.aggregate !== undefined)
      .map(([name, { field, aggregate }]) => `${name}: ${[aggregate, field].filter(Boolean).map(String).join(' of ')}`);
    const { values } = (data ?? {}) as { values?: unknown };
    const size = Array.isArray(values) ? [`${values.length} rows`] : [];
    const heading = typeof title === 'string' ? `${title} ` : '';
    return `${heading}[${[`${kind} chart`, ...fields, ...size].join(', ')}]`;
  }

  async toMimeBundle(): Promise<MimeBundle> {
    return { [mimeType]: this.spec, 'image/svg+xml': await this.toSvg(), 'text/plain': this.toString() };
  }

  [displaySymbol](): Promise<MimeBundle> {
    return this.toMimeBundle();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** A chart of a Vega-Lite specification, and of data where the specification holds none. */
export const chart = (spec: ChartSpec, data?: TableSource): Chart => new Chart(spec, data);
