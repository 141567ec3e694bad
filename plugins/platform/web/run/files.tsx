import type { RunDetail } from '../../api.ts';
import { bytes } from '../format.ts';
import { Download } from '../ui.tsx';

const abouts: Readonly<Record<string, string>> = {
  'model.onnx': 'ONNX model',
  'model.safetensors': 'model as safetensors',
  'record.json': 'record',
  'layers.json': 'layers, before and after',
  'groups.json': 'dependency groups',
  'groups.vl.json': 'drawing of the groups, Vega-Lite',
  'log.txt': 'log',
};
const order = Object.keys(abouts);

export function Files({ run: { id, kind, files, state } }: { run: RunDetail }) {
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const sorted = [...files].sort((a, b) => place(a.name) - place(b.name));
  const what = kind === 'pruned' ? 'pruned ' : '';
  return (
    <ul class="files">
      {sorted.map(({ name, bytes: size }) => (
        <li key={name}>
          <Download href={`api/runs/${id}/files/${encodeURIComponent(name)}`} name={`${id}-${name}`}>
            {name}
          </Download>
          <span class="hint">
            {name.startsWith('model.') ? what : ''}
            {abouts[name] ?? ''} {bytes(size)}
          </span>
        </li>
      ))}
      <li>
        <Download href={`api/runs/${id}/curves.csv`} name={`${id}-curves.csv`}>
          curves.csv
        </Download>
        <span class="hint">loss, score and learning rate by epoch</span>
      </li>
      <li>
        <Download href={`api/runs/${id}/notebook.ipynb`} name={`${id}.ipynb`}>
          Open as notebook
        </Download>
        <span class="hint">
          {state === 'done' ? 'these settings and results in Jupyter' : 'these settings in Jupyter'}
        </span>
      </li>
    </ul>
  );
}
