import { escapeHtml } from './mime.ts';

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/** Text with the colour codes of terminals as HTML; other codes are dropped. */
export function ansiToHtml(text: string): string {
  let html = '';
  let classes = new Set<string>();
  let from = 0;
  const emit = (to: number) => {
    const part = escapeHtml(text.slice(from, to));
    html += part && classes.size ? `<span class="${[...classes].join(' ')}">${part}</span>` : part;
  };

  for (const match of text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])/g)) {
    emit(match.index);
    from = match.index + match[0].length;
    if (match[2] !== 'm') continue;
    for (const code of (match[1] || '0').split(';').map(Number)) classes = styled(classes, code);
  }
  emit(text.length);
  return html;
}

function styled(classes: ReadonlySet<string>, code: number): Set<string> {
  const without = (test: RegExp) => new Set([...classes].filter(name => !test.test(name)));
  const colour = code >= 30 && code <= 37 ? names[code - 30] : code >= 90 && code <= 97 ? names[code - 90] : undefined;
  if (colour) return without(/^ansi-(?!bold|dim)/).add(`ansi-${colour}`);
  if (code === 0) return new Set();
  if (code === 1) return without(/^$/).add('ansi-bold');
  if (code === 2) return without(/^$/).add('ansi-dim');
  if (code === 22) return without(/^ansi-(bold|dim)$/);
  if (code === 39) return without(/^ansi-(?!bold|dim)/);
  return new Set(classes);
}
