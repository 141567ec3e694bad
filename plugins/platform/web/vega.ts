import { View, parse, Error as onlyErrors, type Spec } from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile, type TopLevelSpec } from 'vega-lite';
import { chartStyle } from '../../../kernel/jupyter/chart-style.ts';

// The charts' own chunk, which is loaded with the first of them.

/** A chart that is on the page. */
export interface Drawing {
  /** Other rows in place of those that are drawn. */
  show(rows: readonly unknown[]): void;
  finalize(): void;
}

const nothing = () => quiet;
const quiet = { level: nothing, error: nothing, warn: nothing, info: nothing, debug: nothing };

/** Draws a Vega-Lite chart in an element. Expressions are interpreted, since pages allow no code made of text. */
export async function draw(element: HTMLElement, spec: object, rows?: readonly unknown[]): Promise<Drawing> {
  const { config, ...rest } = spec as TopLevelSpec;
  const full = { ...(rows ? { data: { name: 'rows' } } : {}), ...rest, config: { ...chartStyle, ...config } };
  const compiled = compile(full as TopLevelSpec, { logger: quiet as never }).spec as Spec;
  if (rows) for (const data of compiled.data ?? []) if (data.name === 'rows') Object.assign(data, { values: rows });
  // of its own: another chart may be on its way into the same element
  const place = element.appendChild(document.createElement('div'));
  const view = new View(parse(compiled, undefined, { ast: true }), {
    expr: expressionInterpreter as never,
    renderer: 'svg',
    logLevel: onlyErrors,
    container: place,
    hover: false,
  });
  await view.runAsync();
  return {
    show(next) {
      void view.data('rows', [...next]).runAsync();
    },
    finalize() {
      view.finalize();
      place.remove();
    },
  };
}
