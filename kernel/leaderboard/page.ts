import { createHash } from 'node:crypto';
import type { Standing } from '../bench/leaderboard.ts';
import { protocolLabel } from '../bench/protocols.ts';
import { legend, signed } from '../bench/tables.ts';
import { grouped } from '../grouped.ts';
import { pageStyle } from '../jupyter/html-style.ts';
import { entryStandings } from './board.ts';
import type { Entry } from './entry.ts';
import { markup, Markup } from './markup.ts';
import { costs, paretoChart } from './page-chart.ts';
import { pageScript } from './page-script.ts';
import { boardStyle } from './page-style.ts';
import { sourceText } from './plugin-source.ts';
import type { Stored } from './store.ts';

const filters = {
  model: 'model',
  dataset: 'data set',
  protocol: 'protocol',
  strategy: 'strategy',
  division: 'division',
  status: 'status',
} as const satisfies Partial<Record<keyof Standing, string>>;

/** The leaderboards of entries as one HTML page that needs no other file and no network. */
export async function leaderboardPage(stored: readonly Stored[]): Promise<string> {
  const rows = entryStandings(stored);
  const entries = new Map(stored.map(({ entry }) => [entry.id, entry]));
  const boards = grouped(rows, ({ model, dataset }) => `${model} on ${dataset}`);
  const sections = await Promise.all([...boards].map(([title, list]) => board(title, list, entries)));
  const script = createHash('sha256').update(pageScript).digest('base64');
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${script}'; base-uri 'none'; form-action 'none'`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>Leaderboards of structural pruning</title>
        <style>${new Markup(pageStyle + boardStyle)}</style>
      </head>
      <body>
        <div class="page">
          <main>
            <h1>Leaderboards of structural pruning</h1>
            <p>
              ${stored.length === 0 ? 'There are no entries.' : 'Ranks are within model, data set, division, protocol, strategy and speed-up, whatever is shown. Closed division: a protocol of the benchmark as it is. Open division: a recipe of one’s own, stated with the entry.'}
            </p>
            ${filterForm(rows)} ${sections} ${rows.length === 0 ? null : columnLegend()}
          </main>
        </div>
        <script>${new Markup(pageScript)}</script>
      </body>
    </html>
`.text;
}

function filterForm(rows: readonly Standing[]): Markup {
  const selects = Object.entries(filters).map(([name, title]) => {
    const values = [...new Set(rows.map(row => String(row[name as keyof typeof filters])))].sort();
    const options = values.map(value => markup`<option value="${value}">${value}</option>`);
    return markup`<label>${title}<select name="${name}"><option value="">all</option>${options}</select></label>`;
  });
  return markup`<form class="filters" hidden aria-label="Filters">
    ${selects}<button type="reset">Show all</button><output aria-live="polite"></output>
  </form>`;
}

async function board(title: string, rows: readonly Standing[], entries: ReadonlyMap<string, Entry>): Promise<Markup> {
  const comparable = grouped(rows, ({ division, protocol }) => `${division} division, protocol ${protocol}`);
  const figures = await Promise.all(
    [...comparable].flatMap(([name, list]) =>
      costs
        .filter(cost => list.some(row => cost.of(row) !== null))
        .map(async cost => {
          const svg = new Markup(await paretoChart(list, cost).toSvg());
          return markup`<figure class="chart">
            <figcaption>
              ${name}: score against ${cost.title.replace(', %', '')}; the line is the Pareto front
            </figcaption>
            ${svg}
          </figure>`;
        }),
    ),
  );
  return markup`<section>
    <h2>${title}</h2>
    ${common(rows)}
    <h3>Ranks across speed-ups</h3>
    ${rankTable(rows)}
    <div class="charts">${figures}</div>
    <h3>Entries</h3>
    ${entryTable(rows, entries)}
  </section> `;
}

const attributes = (row: Standing): Markup =>
  markup`${Object.keys(filters).map(name => markup` data-${name}="${String(row[name as keyof typeof filters])}"`)}`;

const scrolled = (label: string, head: readonly Markup[], body: readonly Markup[]): Markup =>
  markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
const heading = (text: string): Markup => markup`<th scope="col">${text}</th>`;
const numeric = (text: string): Markup => markup`<th scope="col" class="figure">${text}</th>`;
const cell = (part: Markup | string): Markup => markup`<td>${part}</td>`;
const number = (text: string): Markup => markup`<td class="figure">${text}</td>`;
const settings = ['strategy', 'protocol', 'division'] as const;
type Setting = (typeof settings)[number];
/** What entries of a board differ in; what is the same in all of them needs no column. */
const differing = (rows: readonly Standing[]): Setting[] =>
  settings.filter(name => new Set(rows.map(row => row[name])).size > 1);

/** What all entries of a board have in common, said once. */
function common(rows: readonly Standing[]): Markup | null {
  const columns = differing(rows);
  const shared = settings.filter(name => !columns.includes(name));
  return shared.length === 0
    ? null
    : markup`<p>All entries: ${shared.map(name => `${name} ${rows[0]![name]}`).join(', ')}.</p>`;
}
const score = ({ score, spread }: Standing): string =>
  score.toFixed(2) + (spread === null ? '' : ` ± ${spread.toFixed(2)}`);

/** A row for each method of somebody, with rank and score at every speed-up. */
function rankTable(rows: readonly Standing[]): Markup {
  const speedups = [...new Set(rows.map(({ speedup }) => speedup))].sort((a, b) => a - b);
  const columns = differing(rows);
  const lines = grouped(rows, ({ division, protocol, strategy, method, by }) =>
    JSON.stringify([division, protocol, strategy, method, by]),
  );
  const meanRank = (list: readonly Standing[]) => list.reduce((sum, { rank }) => sum + rank, 0) / list.length;
  const key = ({ division, protocol, strategy }: Standing) => `${division} ${protocol} ${strategy}`;
  const sorted = [...lines.values()].sort(
    (a, b) => key(a[0]!).localeCompare(key(b[0]!), 'en') || meanRank(a) - meanRank(b),
  );
  const body = sorted.map(list => {
    const [row] = list as [Standing];
    const at = speedups.map(speedup => {
      const there = list.filter(one => one.speedup === speedup);
      const shown = there.map(
        one => markup`<span data-entry="${one.entry}"><b class="rank">${one.rank}</b> ${score(one)}</span> `,
      );
      return markup`<td class="figure">${shown}</td>`;
    });
    return markup`<tr>${cell(row.method)}${at}${columns.map(name => cell(row[name]!))}${cell(row.by!)}</tr>`;
  });
  const head = [
    heading('method'),
    ...speedups.map(speedup => numeric(`${speedup}x`)),
    ...[...columns, 'by'].map(heading),
  ];
  return scrolled('Ranks across speed-ups', head, body);
}

const status = ({ status }: Standing): Markup => markup`<span class="status ${status}">${status}</span>`;
const times = (value: number | null): string => (value === null ? '' : `${value.toFixed(2)}x`);

function entryTable(rows: readonly Standing[], entries: ReadonlyMap<string, Entry>): Markup {
  const columns = differing(rows);
  const body = rows.map(row => {
    const { delta, base, before, recalibrated } = row;
    const cells = [
      cell(row.method),
      number(`${row.speedup}x`),
      number(String(row.rank)),
      number(base.toFixed(2)),
      number(before.toFixed(2)),
      number(recalibrated === null ? '' : recalibrated.toFixed(2)),
      number(score(row)),
      number(String(row.runs)),
      number(signed(delta)),
      number(`${row.paramsLeft.toFixed(1)} %`),
      number(times(row.reached)),
      number(times(row.latencyRatio)),
      columns.map(name => cell(row[name]!)),
      cell(status(row)),
      cell(about(entries.get(row.entry!)!)),
    ];
    return markup`<tr id="e-${row.entry}" tabindex="-1"${attributes(row)}>${cells}</tr>`;
  });
  const numbers = 'speed-up,rank,base,before,recalibrated,score,runs,delta,left,reached,latency'.split(',');
  return scrolled(
    'Entries',
    [heading('method'), ...numbers.map(numeric), ...[...columns, 'status', 'about'].map(heading)],
    body,
  );
}

/** Who, when, how, and what verifications said. */
function about(entry: Entry): Markup {
  const { by, submitted, division, recipe, links, plugins, supersedes, verifications, records } = entry;
  const { protocol, strategy, backend } = records[0]!.configuration;
  const day = (time: string) => time.slice(0, 10);
  const lines = [
    `entry ${entry.id}, by ${by}, ${day(submitted)}`,
    `${division} division, protocol ${protocolLabel(protocol)}, strategy ${strategy.id}, backend ${backend}`,
    `seeds ${records.map(({ configuration }) => configuration.seed).join(', ')}`,
    ...(recipe === null ? [] : [`recipe: ${recipe}`]),
    ...plugins.map(source => `plugin: ${sourceText(source)}`),
    ...(supersedes ? [`supersedes ${supersedes.id}: ${supersedes.reason}`] : []),
    ...verifications.flatMap(({ by, created, outcome, tolerance, runs, differences }) => [
      `${day(created)}, by ${by}: ${outcome} (seeds ${runs.map(({ seed }) => seed).join(', ')}; tolerance ${tolerance.toFixed(2)} points)`,
      ...differences.map(({ what, entry, here }) => `  ${what}: ${entry} in the entry, ${here} there`),
    ]),
  ];
  const anchors = Object.entries(links).map(
    ([name, address]) => markup`<a href="${address}" rel="noopener noreferrer">${name}</a> `,
  );
  return markup`<details>
    <summary>by ${by}</summary>
    <div>${lines.join('\n')} ${anchors}</div>
  </details>`;
}

function columnLegend(): Markup {
  const shown = Object.entries(legend).filter(([name]) => !['step', 'regularizer', 'spread'].includes(name));
  return markup`<h2>Columns</h2>
    <dl>
      ${shown.map(
        ([name, meaning]) =>
          markup`<dt>${name}</dt>
            <dd>${meaning}</dd>`,
      )}
      <dt>±</dt>
      <dd>${legend['spread']!}</dd>
    </dl>`;
}
