const font = 'system-ui, -apple-system, "Segoe UI", sans-serif';
// no background, and greys between black and white: pages are light or dark, and a picture does not know
const [ink, line, grid] = ['#7b828e', '#7b828e80', '#7b828e33'];
/** Vega-Lite's `config` of all charts. */
export const chartStyle = {
  font,
  background: 'transparent',
  view: { stroke: 'transparent' },
  axis: { gridColor: grid, domainColor: line, tickColor: line, labelColor: ink, titleColor: ink },
  legend: { labelColor: ink, titleColor: ink, symbolBaseFillColor: ink, symbolBaseStrokeColor: ink },
  header: { labelColor: ink, titleColor: ink },
  title: { color: ink, anchor: 'start', fontSize: 14 },
};
