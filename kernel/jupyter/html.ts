import { Marked, type Tokens } from 'marked';
import { ansiToHtml } from './ansi.ts';
import { highlight } from './highlight.ts';
import { pageStyle } from './html-style.ts';
import { escapeHtml } from './mime.ts';
import { isCode, normalized, tagsOf, textOf, type CodeCell, type Notebook, type Output } from './notebook.ts';

export interface HtmlOptions {
  /** Title of the page; by default the notebook's first heading. */
  readonly title?: string;
  /** Line below the title, as in a date or a version. */
  readonly note?: string;
  /** Whether code is shown when the page opens (default true). */
  readonly code?: boolean;
  readonly language?: string;
}

interface Heading {
  readonly level: number;
  readonly text: string;
  readonly id: string;
}

/** An executed notebook as one HTML page that needs no other file and no network. */
export function notebookToHtml(source: Notebook, options: HtmlOptions = {}): string {
  const notebook = normalized(source);
  const headings: Heading[] = [];
  const markdown = createMarkdown(headings);
  const cells = notebook.cells.map(cell => {
    const tags = tagsOf(cell);
    if (tags.includes('remove-cell')) return '';
    if (isCode(cell)) return codeCell(cell, tags, markdown);
    if (cell.cell_type !== 'markdown') return `<pre class="raw">${escapeHtml(textOf(cell.source))}</pre>`;
    const text = attached(textOf(cell.source), cell.attachments as Attachments | undefined);
    return `<section class="prose">${markdown(text)}</section>`;
  });
  const title = options.title ?? headings[0]?.text ?? 'Notebook';
  const { language = 'en', note, code = true } = options;
  const hasCode = cells.some(cell => cell.includes('<pre class="code input">'));
  const button = hasCode ? '<label for="show-code">Code</label>' : '';
  return `<!doctype html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
${hasCode ? `<input type="checkbox" id="show-code"${code ? ' checked' : ''}>\n` : ''}<header class="bar"><span class="name">${escapeHtml(title)}</span>${button}</header>
<div class="page">
${contents(headings)}<main>
${cells.filter(Boolean).join('\n')}
${note === undefined ? '' : `<footer>${escapeHtml(note)}</footer>`}
</main>
</div>
</body>
</html>
`;
}

function contents(headings: readonly Heading[]): string {
  const listed = headings.filter(({ level }) => level === 2 || level === 3);
  if (listed.length < 2) return '';
  const items = listed.map(
    ({ level, text, id }) => `<li class="level-${level}"><a href="#${id}">${escapeHtml(text)}</a></li>`,
  );
  return `<nav aria-label="Contents"><ol>${items.join('')}</ol></nav>\n`;
}

type Attachments = Record<string, Record<string, string>>;
type Markdown = (text: string) => string;

/** Images that the notebook holds, in place. */
const attached = (text: string, attachments: Attachments = {}): string =>
  text.replace(/\(attachment:([^)\s]+)\)/g, (whole, name: string) => {
    const [type, data] = Object.entries(attachments[decodeURIComponent(name)] ?? {})[0] ?? [];
    return type ? `(data:${type};base64,${data!.replace(/\s/g, '')})` : whole;
  });

const typescriptNames = /^(?:ts|typescript|js|javascript|tsx|jsx|mjs)$/;

function createMarkdown(headings: Heading[]): Markdown {
  const used = new Map<string, number>();
  const marked = new Marked({
    gfm: true,
    walkTokens(token) {
      // pages of notebooks lie beside one another as the notebooks do
      if (token.type === 'link') token['href'] = String(token['href']).replace(/^([\w.-]+)\.ipynb(?=$|#)/, '$1.html');
    },
    renderer: {
      heading({ tokens, depth, text }: Tokens.Heading) {
        const plain = text.replace(/[*_`]|\[([^\]]*)\]\([^)]*\)/g, '$1');
        const base =
          plain
            .toLowerCase()
            .replace(/[^\p{L}\p{N}]+/gu, '-')
            .replace(/^-|-$/g, '') || 'section';
        const count = used.get(base) ?? 0;
        used.set(base, count + 1);
        const id = count ? `${base}-${count}` : base;
        headings.push({ level: depth, text: plain, id });
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      code({ text, lang = '' }: Tokens.Code) {
        const html = typescriptNames.test(lang) ? highlight(text) : escapeHtml(text);
        return `<pre class="code"><code>${html}</code></pre>\n`;
      },
      table(token: Tokens.Table) {
        const cells = (row: readonly Tokens.TableCell[], tag: string) =>
          row
            .map(({ tokens, align }) => {
              const style = align ? ` style="text-align:${align}"` : '';
              return `<${tag}${style}>${this.parser.parseInline(tokens)}</${tag}>`;
            })
            .join('');
        const rows = token.rows.map(row => `<tr>${cells(row, 'td')}</tr>`).join('');
        return `<div class="scroll"><table><thead><tr>${cells(token.header, 'th')}</tr></thead><tbody>${rows}</tbody></table></div>\n`;
      },
    },
  });
  return text => marked.parse(text, { async: false });
}

function codeCell(cell: CodeCell, tags: readonly string[], markdown: Markdown): string {
  const source = textOf(cell.source);
  const hidden = tags.includes('hide-input') || tags.includes('remove-input');
  const input =
    hidden || !source.trim() ? '' : `<pre class="code input"><code>${highlight(source.trimEnd())}</code></pre>`;
  const outputs = tags.includes('remove-output') ? [] : cell.outputs.map(output => outputHtml(output, markdown));
  const shown = outputs.filter(Boolean);
  if (!input && !shown.length) return '';
  const result = shown.length ? `<div class="outputs">${shown.join('\n')}</div>` : '';
  const empty = shown.length ? '' : ' silent';
  return `<section class="cell${empty}">${input}${result}</section>`;
}

function outputHtml(output: Output, markdown: Markdown): string {
  if (output.output_type === 'stream') {
    const text = lastLines(textOf(output['text']));
    return text.trim()
      ? `<pre class="text ${output['name'] === 'stderr' ? 'stderr' : 'stdout'}">${ansiToHtml(text)}</pre>`
      : '';
  }
  if (output.output_type === 'error') {
    const { ename, evalue, traceback } = output as { ename: string; evalue: string; traceback: string[] };
    const text = traceback.length ? traceback.join('\n') : `${ename}: ${evalue}`;
    return `<pre class="text error">${ansiToHtml(text)}</pre>`;
  }
  return bundleHtml((output['data'] ?? {}) as Record<string, unknown>, markdown);
}

/** What a terminal would show of text with carriage returns. */
const lastLines = (text: string): string =>
  text
    .split('\n')
    .map(line => line.replace(/\r+$/, '').split('\r').at(-1))
    .join('\n')
    .trimEnd();

/** The richest format of a bundle that needs no network. */
function bundleHtml(data: Record<string, unknown>, markdown: Markdown): string {
  const text = (type: string) => (data[type] === undefined ? undefined : textOf(data[type]));
  const html = text('text/html');
  if (html !== undefined) return `<div class="html scroll">${html}</div>`;
  const svg = text('image/svg+xml');
  if (svg !== undefined)
    return `<figure class="chart">${svg.replace(/^\s*(?:<\?xml[^]*?\?>|<!DOCTYPE[^>]*>)\s*/i, '')}</figure>`;
  for (const type of ['image/png', 'image/jpeg', 'image/gif', 'image/webp']) {
    const image = text(type);
    if (image !== undefined)
      return `<figure><img alt="${escapeHtml(text('text/plain') ?? 'figure')}" src="data:${type};base64,${image.replace(/\s/g, '')}"></figure>`;
  }
  const prose = text('text/markdown');
  if (prose !== undefined) return `<div class="prose">${markdown(prose)}</div>`;
  const json = data['application/json'];
  if (json !== undefined) return `<pre class="text">${escapeHtml(JSON.stringify(json, undefined, 2))}</pre>`;
  const plain = text('text/plain') ?? text('text/latex');
  return plain === undefined ? '' : `<pre class="text">${ansiToHtml(plain)}</pre>`;
}
