/** What leaderboards need beside the style of all pages. */
export const boardStyle = `
main { max-width: 86rem; }
[hidden] { display: none !important; }
main, select, button { font-family: var(--sans); }
main p { font-size: 0.95rem; max-width: 46rem; }
.filters { display: flex; flex-wrap: wrap; gap: 0.7rem 1rem; align-items: end; margin: 1.6rem 0; padding: 0.9rem 1rem; background: var(--panel); border-radius: 8px; }
.filters label { display: flex; flex-direction: column; gap: 0.2rem; font-size: 0.78rem; color: var(--quiet); }
select, button { font-size: 0.88rem; color: var(--text); background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 0.4rem 0.55rem; max-width: 16rem; min-height: 2.3rem; }
button { cursor: pointer; }
select:focus-visible, button:focus-visible, summary:focus-visible, a:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
output { font-size: 0.85rem; color: var(--quiet); padding: 0.45rem 0; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
figcaption { font: 600 0.85rem/1.4 var(--sans); color: #262b36; margin-bottom: 0.5rem; max-width: 24rem; }
td, th { white-space: nowrap; }
td.figure, th.figure { text-align: right; }
tr:focus { outline: 2px solid var(--accent); outline-offset: -2px; }
td .rank { display: inline-block; min-width: 1.3rem; font-weight: 700; color: var(--accent); }
.status { font-size: 0.75rem; padding: 0.1rem 0.5rem; border: 1px solid var(--line); border-radius: 99px; }
.status.reproduced, .status.re-run { color: var(--accent); border-color: currentColor; }
.status.differs { color: var(--error); border-color: currentColor; }
details { font-size: 0.8rem; }
details > div { white-space: pre-wrap; min-width: 16rem; max-width: 34rem; overflow-wrap: anywhere; padding: 0.4rem 0; }
summary { cursor: pointer; color: var(--accent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; font-size: 0.85rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--quiet); }
@media (max-width: 40rem) {
  .filters label { flex: 1 1 42%; } select { max-width: none; width: 100%; }
  figure.chart { padding: 0.6rem; width: 100%; } figure.chart svg { min-width: 320px; }
  tbody td:first-child, thead th:first-child { position: sticky; left: 0; background: var(--back); }
}
`;
