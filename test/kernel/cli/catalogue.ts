import * as datasets from '../../../datasets/index.ts';
import type { Catalogue } from '../../../kernel/catalogue.ts';
import type { Backend } from '../../../kernel/plugin.ts';
import { cpu } from '../../../plugins/backends/cpu.ts';
import * as criteria from '../../../plugins/criteria/index.ts';
import { experiments } from '../../../plugins/experiments/index.ts';
import * as formats from '../../../plugins/formats/index.ts';
import * as models from '../../../plugins/models/index.ts';
import * as regularizers from '../../../plugins/regularizers/index.ts';
import * as strategies from '../../../plugins/strategies/index.ts';
import * as tasks from '../../../plugins/tasks/index.ts';
import { tiny } from '../tiny-model.ts';

/** A backend that is not installed, on every machine. */
const tensorflow: Backend = {
  kind: 'backend',
  id: 'tensorflow',
  title: 'one that is not installed',
  register: () => Promise.reject(new Error('not installed: npm install it')),
};

/** Everything but the ONNX Runtime backend, for the tests compute on the cpu backend; and a tiny model. */
export const catalogue: Catalogue = {
  models: [...Object.values(models), tiny],
  datasets: Object.values(datasets),
  criteria: Object.values(criteria),
  regularizers: Object.values(regularizers),
  strategies: Object.values(strategies),
  tasks: Object.values(tasks),
  backends: [tensorflow, cpu],
  formats: Object.values(formats),
  experiments,
};
