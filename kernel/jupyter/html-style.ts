/** Style of exported pages: light and dark, for desks and phones. */
export const pageStyle = `
:root {
  --back: #fcfcfa; --text: #24292f; --quiet: #68707c; --line: #e4e5e1; --panel: #f4f5f1; --accent: #2f6f4f;
  --error: #b3261e; --error-back: #fdf1ef; --warn-back: #fbf6e6; --stripe: #0000000a; --shade: #00000038;
  --keyword: #8250a8; --string: #2f6f4f; --number: #a2560f; --comment: #7d8590; --call: #1f5fa8; --type: #0f6e7c;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Source Serif 4", Georgia, serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #16191d; --text: #dfe3e6; --quiet: #98a1aa; --line: #2c3138; --panel: #1e2328; --accent: #7fc7a1;
    --error: #ff9b90; --error-back: #2c1d1c; --warn-back: #2a2518; --stripe: #ffffff0a; --shade: #000000a0;
    --keyword: #c9a5ea; --string: #9fd3b4; --number: #e9b27c; --comment: #7f8891; --call: #8fbdf2; --type: #7fd0d9;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 4rem; }
body { margin: 0; background: var(--back); color: var(--text); font: 17px/1.65 var(--serif); }
#show-code { position: absolute; opacity: 0; }
.bar {
  position: sticky; top: 0; z-index: 1; display: flex; align-items: center; gap: 1rem; padding: 0.55rem 1.25rem;
  background: color-mix(in srgb, var(--back) 88%, transparent); backdrop-filter: blur(8px);
  border-bottom: 1px solid var(--line); font: 14px/1.4 var(--sans); color: var(--quiet);
}
.bar .name { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar label { cursor: pointer; padding: 0.15rem 0.7rem; border: 1px solid var(--line); border-radius: 99px; user-select: none; }
#show-code:checked ~ .bar label { color: var(--accent); border-color: currentColor; }
#show-code:focus-visible ~ .bar label { outline: 2px solid var(--accent); outline-offset: 2px; }
#show-code:not(:checked) ~ .page .input, #show-code:not(:checked) ~ .page .silent { display: none; }
.page { display: flex; justify-content: center; gap: 3rem; padding: 1rem 1.25rem 6rem; }
main { min-width: 0; width: 100%; max-width: 55rem; }
nav { order: 1; position: sticky; top: 4.5rem; align-self: flex-start; width: 13rem; flex: none; font: 14px/1.45 var(--sans); }
nav ol { list-style: none; margin: 1.4rem 0 0; padding: 0 0 0 1rem; border-left: 1px solid var(--line); max-height: 80vh; overflow: auto; }
nav li { margin: 0.45rem 0; }
nav .level-3 { padding-left: 0.9rem; }
nav a { color: var(--quiet); text-decoration: none; }
nav a:hover { color: var(--accent); }
h1, h2, h3, h4, h5, h6 { font-family: var(--sans); line-height: 1.25; letter-spacing: -0.012em; text-wrap: balance; margin: 2.2rem 0 0.7rem; }
h1 { font-size: 2.1rem; font-weight: 700; margin-top: 1.6rem; }
h2 { font-size: 1.45rem; font-weight: 650; }
h3 { font-size: 1.15rem; font-weight: 650; }
h4, h5, h6 { font-size: 1rem; }
p, ul, ol, blockquote { margin: 0.9rem 0; }
li { margin: 0.25rem 0; }
a { color: var(--accent); text-underline-offset: 2px; text-decoration-thickness: 1px; }
blockquote { margin-left: 0; padding-left: 1.1rem; border-left: 3px solid var(--line); color: var(--quiet); }
hr { border: 0; border-top: 1px solid var(--line); margin: 2.5rem 0; }
img, svg { max-width: 100%; height: auto; }
code, pre { font-family: var(--mono); font-size: 0.82em; }
.prose :not(pre) > code { background: var(--panel); padding: 0.12em 0.36em; border-radius: 4px; overflow-wrap: anywhere; }
pre { margin: 0; overflow-x: auto; line-height: 1.55; tab-size: 2; }
pre code { font-size: 1em; }
pre.code { background: var(--panel); border-radius: 8px; padding: 0.85rem 1.05rem; font-size: 0.79rem; }
.prose pre.code, pre.raw { margin: 1rem 0; }
.cell { margin: 1.3rem 0; }
.outputs { margin-top: 0.75rem; display: flex; flex-direction: column; gap: 0.7rem; }
pre.text { font-size: 0.79rem; padding: 0.1rem 1.05rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.stdout, pre.stderr { max-height: 34rem; overflow: auto; }
pre.stderr { background: var(--warn-back); border-radius: 8px; padding: 0.7rem 1.05rem; }
pre.error { background: var(--error-back); border-left: 3px solid var(--error); border-radius: 0 8px 8px 0; padding: 0.8rem 1.05rem; white-space: pre; }
.scroll {
  overflow-x: auto;
  background: linear-gradient(to right, var(--back) 45%, transparent) 0 0 / 2rem 100% no-repeat local,
    linear-gradient(to left, var(--back) 45%, transparent) 100% 0 / 2rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) 0 0 / 0.8rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) 100% 0 / 0.8rem 100% no-repeat scroll;
}
.html { font-family: var(--sans); font-size: 0.88rem; }
table { border-collapse: collapse; font: 0.82rem/1.45 var(--sans); font-variant-numeric: tabular-nums; margin: 0.3rem 0; }
caption { caption-side: top; text-align: left; font-weight: 600; padding: 0 0.5rem 0.5rem; }
th, td { padding: 0.36rem 0.5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--quiet); border-bottom: 1.5px solid var(--quiet); white-space: nowrap; }
.html td { white-space: nowrap; }
.html td, .html th { padding-left: 0.4rem; padding-right: 0.4rem; }
tbody tr:nth-child(even) { background: var(--stripe); }
tfoot td { color: var(--quiet); border-bottom: 0; }
figure { margin: 0; }
figure.chart { border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem; overflow-x: auto; width: fit-content; max-width: 100%; }
figure.chart svg { display: block; }
progress { accent-color: var(--accent); }
.pruningbench-progress { flex-wrap: wrap; }
.keyword { color: var(--keyword); } .string { color: var(--string); } .number { color: var(--number); }
.comment { color: var(--comment); font-style: italic; } .call { color: var(--call); } .type { color: var(--type); }
.ansi-red { color: var(--error); } .ansi-green { color: var(--string); } .ansi-yellow { color: var(--number); }
.ansi-blue { color: var(--call); } .ansi-magenta { color: var(--keyword); } .ansi-cyan { color: var(--type); }
.ansi-bold { font-weight: 700; } .ansi-dim { color: var(--quiet); }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); font: 0.82rem/1.5 var(--sans); color: var(--quiet); }
@media (max-width: 76rem) { nav { display: none; } }
@media (max-width: 40rem) {
  body { font-size: 16px; }
  .page, .bar { padding-left: 1rem; padding-right: 1rem; }
  h1 { font-size: 1.65rem; } h2 { font-size: 1.3rem; }
  pre.code, pre.error, pre.stderr { border-radius: 0; margin-left: -1rem; margin-right: -1rem; padding-left: 1rem; padding-right: 1rem; }
  pre.text:not(.stderr, .error) { padding-left: 0; padding-right: 0; }
  .prose pre.code { margin-left: -1rem; margin-right: -1rem; }
  pre.error { padding-left: calc(1rem - 3px); }
}
@media print {
  .bar, nav { display: none; }
  body { font-size: 10.5pt; }
  pre.stdout, pre.stderr { max-height: none; }
  .cell, figure, table { break-inside: avoid; }
}
`;
