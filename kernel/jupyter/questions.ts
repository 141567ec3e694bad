import type { CompilerThread } from './compiler-thread.ts';
import type { Session } from './session.ts';
import type { Content } from './wire.ts';

/** Positions in messages count code points, those of JavaScript UTF-16 units. */
export const toUnits = (text: string, points: number): number => [...text].slice(0, points).join('').length;
export const toPoints = (text: string, units: number): number => [...text.slice(0, units)].length;

const at = (content: Content): [code: string, offset: number] => {
  const code = String(content['code']);
  return [code, toUnits(code, Number(content['cursor_pos'] ?? [...code].length))];
};

async function complete(compiler: CompilerThread, content: Content): Promise<Content> {
  const [code, offset] = at(content);
  const { start, end, matches } = await compiler.complete(code, offset);
  const [first, last] = [toPoints(code, start), toPoints(code, end)];
  const types = matches.map(({ text, type = '' }) => ({ text, type, start: first, end: last }));
  return {
    status: 'ok',
    matches: matches.map(({ text }) => text),
    cursor_start: first,
    cursor_end: last,
    metadata: { _jupyter_types_experimental: types.slice(0, 300) },
  };
}

async function inspect(compiler: CompilerThread, content: Content): Promise<Content> {
  const found = await compiler.inspect(...at(content));
  if (!found) return { status: 'ok', found: false, data: {}, metadata: {} };
  const { signature, documentation } = found;
  const data = {
    'text/plain': [signature, documentation].filter(Boolean).join('\n\n'),
    'text/markdown': `\`\`\`typescript\n${signature}\n\`\`\`\n\n${documentation}`.trim(),
  };
  return { status: 'ok', found: true, data, metadata: {} };
}

function history({ history: all }: Session, content: Content): Content {
  const { hist_access_type: access, n, start, stop, pattern, output, unique } = content;
  const glob = (text: string) =>
    text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '[^]*')
      .replace(/\?/g, '[^]');
  const matching = access === 'search' ? new RegExp(`^${glob(String(pattern ?? '*'))}$`) : /^/;
  const range = access === 'range' ? all.slice(Math.max(0, Number(start) - 1), Math.max(0, Number(stop) - 1)) : all;
  const last = new Map(all.map(({ line, source }) => [source, line]));
  const found = range
    .filter(({ line, source }) => matching.test(source) && (!unique || last.get(source) === line))
    .slice(access === 'range' ? 0 : -Number(n ?? 1000));
  return {
    status: 'ok',
    history: found.map(({ line, source }) => [0, line, output ? [source, null] : source]),
  };
}

/** Answers what front ends ask about code; undefined where they ask for something else. */
export async function answer(
  type: string,
  content: Content,
  compiler: CompilerThread,
  session: Session,
): Promise<Content | undefined> {
  switch (type) {
    case 'complete_request':
      return complete(compiler, content);
    case 'inspect_request':
      return inspect(compiler, content);
    case 'is_complete_request':
      return { ...(await compiler.isComplete(String(content['code']))) };
    case 'history_request':
      return history(session, content);
    case 'comm_info_request':
      return { status: 'ok', comms: {} };
    default:
      return undefined;
  }
}
