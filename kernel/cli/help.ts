import { Help, type Command } from 'commander';

/** Terms have so many columns; what is said of a longer one begins on the next line. */
const termColumns = 24;
const { padWidth, formatItem } = Help.prototype;

/** How help is laid out, so that it can be read on a terminal of 80 columns. */
export const helpLayout: Partial<Help> = {
  minWidthToWrap: 24,
  padWidth(this: Help, command, helper) {
    return Math.min(termColumns, padWidth.call(this, command, helper));
  },
  formatItem(this: Help, term, width, description, helper) {
    const item = (first: string) => formatItem.call(this, first, width, description, helper);
    return term.length <= width || !description ? item(term) : `  ${term}\n${item('')}`;
  },
};

/** Ends the command's help with lines that can be typed as they stand. */
export const example = (command: Command, ...lines: string[]): Command =>
  command.addHelpText('after', ({ command: shown }) => {
    const columns = shown.configureOutput().getOutHelpWidth?.() ?? 80;
    return `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map(line => wrapped(line, columns)).join('\n')}`;
  });

/** A command on as many lines as it needs, broken before flags as a shell continues it. */
function wrapped(line: string, columns: number): string {
  const [first, ...flags] = line.split(/ (?=--)/);
  const rows = [`  $ ${first}`];
  for (const flag of flags)
    if (`${rows.at(-1)} ${flag} \\`.length <= columns) rows.push(`${rows.pop()} ${flag}`);
    else rows.push(`      ${flag}`);
  return rows.join(' \\\n');
}
