import { escapeHtml } from '../jupyter/mime.ts';

/** HTML as it is; everything else that is put into `markup` is text and escaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | null | readonly Part[];

/** A template of HTML: what is put into it is escaped, lists are joined, and null is nothing. */
export const markup = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup =>
  new Markup(strings.reduce((text, string, i) => text + put(parts[i - 1]!) + string));

function put(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  return typeof part === 'object' ? part.map(put).join('') : escapeHtml(part);
}
