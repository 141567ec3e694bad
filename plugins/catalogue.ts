import * as datasets from '../datasets/index.ts';
import type { Catalogue } from '../kernel/catalogue.ts';
import * as backends from './backends/index.ts';
import * as criteria from './criteria/index.ts';
import { experiments } from './experiments/index.ts';
import * as formats from './formats/index.ts';
import * as models from './models/index.ts';
import * as regularizers from './regularizers/index.ts';
import * as strategies from './strategies/index.ts';
import * as tasks from './tasks/index.ts';

/** Everything that comes with the package. */
export const catalogue: Catalogue = {
  models: Object.values(models),
  datasets: Object.values(datasets),
  criteria: Object.values(criteria),
  regularizers: Object.values(regularizers),
  strategies: Object.values(strategies),
  tasks: Object.values(tasks),
  backends: Object.values(backends),
  formats: Object.values(formats),
  experiments,
};
