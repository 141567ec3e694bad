import { escapeHtml } from './mime.ts';

const keywords = new Set(
  `abstract any as asserts async await boolean break case catch class const continue debugger declare default delete do
  else enum export extends finally for from function get if implements import in infer instanceof interface is keyof let
  namespace never new number object of override private protected public readonly return satisfies set static string
  super switch symbol this throw try type typeof undefined unique unknown using var void while with yield`.split(/\s+/),
);
const literals = new Set(['true', 'false', 'null', 'undefined', 'NaN', 'Infinity']);

const token = new RegExp(
  [
    /(?<comment>\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))/,
    /(?<string>"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?)/,
    /(?<template>`)/,
    /(?<number>\b(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?)n?\b|\.\d+)/,
    /(?<word>[\p{ID_Start}$_][\p{ID_Continue}$]*)/u,
    /(?<regexp>\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*)/,
    /(?<other>[^])/,
  ]
    .map(part => part.source)
    .join('|'),
  'uy',
);

const wrap = (kind: string, text: string): string => `<span class="${kind}">${escapeHtml(text)}</span>`;

/** TypeScript with its comments, strings, numbers and words in spans, as HTML. */
export function highlight(source: string): string {
  return scan(source, 0, false).html;
}

/** Colours from an offset to the end, or to the brace that closes an embedded expression. */
function scan(source: string, start: number, embedded: boolean): { html: string; end: number } {
  let html = '';
  let depth = 0;
  // whether a slash would begin a regular expression
  let operand = true;
  let at = start;
  while (at < source.length) {
    token.lastIndex = at;
    const { 0: text, groups = {} } = token.exec(source)!;
    if (groups['regexp'] !== undefined && !operand) {
      html += escapeHtml('/');
      operand = true;
      at++;
      continue;
    }
    if (groups['template'] !== undefined) {
      const template = scanTemplate(source, at);
      html += template.html;
      at = template.end;
      operand = false;
      continue;
    }
    at += text.length;
    if (groups['comment'] !== undefined) html += wrap('comment', text);
    else if (groups['string'] !== undefined || groups['regexp'] !== undefined) html += wrap('string', text);
    else if (groups['number'] !== undefined) html += wrap('number', text);
    else if (groups['word'] !== undefined) html += word(source, text, at);
    else {
      if (text === '{') depth++;
      if (text === '}' && embedded && depth-- === 0) return { html, end: at - 1 };
      html += escapeHtml(text);
    }
    if (/\S/.test(text) && groups['comment'] === undefined)
      operand =
        groups['word'] !== undefined
          ? /^(?:return|typeof|case|in|of|await|yield)$/.test(text)
          : /^[^\w)\]}"'`.]/.test(text);
  }
  return { html, end: at };
}

function scanTemplate(source: string, start: number): { html: string; end: number } {
  let html = '';
  let at = start + 1;
  let from = start;
  while (at < source.length) {
    if (source[at] === '\\') at += 2;
    else if (source[at] === '`') return { html: html + wrap('string', source.slice(from, at + 1)), end: at + 1 };
    else if (source.startsWith('${', at)) {
      html += wrap('string', source.slice(from, at)) + escapeHtml('${');
      const inner = scan(source, at + 2, true);
      html += inner.html;
      from = at = inner.end;
      if (source[at] === '}') {
        html += escapeHtml('}');
        from = ++at;
      }
    } else at++;
  }
  return { html: html + wrap('string', source.slice(from)), end: source.length };
}

function word(source: string, text: string, end: number): string {
  const member = source[end - text.length - 1] === '.' && source[end - text.length - 2] !== '.';
  if (!member && literals.has(text)) return wrap('number', text);
  if (!member && keywords.has(text) && !/^\s*:(?!:)/.test(source.slice(end, end + 3))) return wrap('keyword', text);
  if (/^\s*\(/.test(source.slice(end, end + 3))) return wrap('call', text);
  if (/^[A-Z]/.test(text)) return wrap('type', text);
  return escapeHtml(text);
}
