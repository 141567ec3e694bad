/** The page's script: filters that hide rows, kept in the address; points of charts that lead to rows. */
export const pageScript = `
'use strict';
const form = document.querySelector('form');
const selects = [...form.querySelectorAll('select')];
const rows = [...document.querySelectorAll('tr[id]')];
const ranks = [...document.querySelectorAll('[data-entry]')];
const points = [...document.querySelectorAll('figure a')];
const target = point => document.getElementById((point.getAttribute('xlink:href') || point.getAttribute('href')).slice(1));

function apply() {
  for (const row of rows)
    row.hidden = selects.some(({ name, value }) => value !== '' && row.dataset[name] !== value);
  for (const rank of ranks) rank.hidden = document.getElementById('e-' + rank.dataset.entry).hidden;
  for (const line of new Set(ranks.map(rank => rank.closest('tr'))))
    line.hidden = [...line.querySelectorAll('[data-entry]')].every(rank => rank.hidden);
  for (const point of points) point.style.display = target(point).hidden ? 'none' : '';
  for (const figure of document.querySelectorAll('figure'))
    figure.hidden = [...figure.querySelectorAll('a')].every(point => point.style.display === 'none');
  for (const section of document.querySelectorAll('main > section'))
    section.hidden = [...section.querySelectorAll('tr[id]')].every(row => row.hidden);
  form.querySelector('output').value = rows.filter(row => !row.hidden).length + ' of ' + rows.length + ' entries';
}

function fromAddress() {
  const chosen = new URLSearchParams(location.hash.slice(1));
  for (const select of selects) {
    const value = chosen.get(select.name) || '';
    select.value = [...select.options].some(option => option.value === value) ? value : '';
  }
  apply();
}

function toAddress() {
  const chosen = new URLSearchParams(selects.filter(({ value }) => value !== '').map(({ name, value }) => [name, value]));
  history.replaceState(null, '', '#' + chosen);
  apply();
}

form.addEventListener('change', toAddress);
form.addEventListener('reset', () => setTimeout(toAddress));
form.addEventListener('submit', event => event.preventDefault());
addEventListener('hashchange', fromAddress);
document.addEventListener('click', event => {
  const point = event.target.closest('figure a');
  if (!point) return;
  event.preventDefault();
  const row = target(point);
  row.scrollIntoView({ block: 'center' });
  row.focus();
});
form.hidden = false;
fromAddress();
`;
