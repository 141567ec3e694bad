import { writeFile } from 'node:fs/promises';
import { formatNotebook, stripNotebook } from '../../kernel/jupyter/notebook.ts';
import { experiments } from './index.ts';
import { experimentNotebook } from './notebook.ts';

for (const experiment of experiments) {
  const file = new URL(`../../notebooks/${experiment.id}.ipynb`, import.meta.url);
  await writeFile(file, formatNotebook(stripNotebook(experimentNotebook(experiment))));
}
