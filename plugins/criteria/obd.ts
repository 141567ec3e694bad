import { defineCriterion } from '../../kernel/plugin.ts';
import { meanSquaredGradients } from '../../kernel/prune/gradients.ts';
import { products } from './products.ts';

const damage = (weight: number, curvature: number) => weight * weight * curvature;

/** Sum over the slice of w^2 h, with h the mean over images of the squared gradient of the image's own loss. */
export const obdHessian = defineCriterion({
  id: 'obd-hessian',
  title: 'change of the loss to second order, by the diagonal of the empirical Fisher matrix',
  paper: 'LeCun et al. 1989, Optimal Brain Damage',
  async estimate(calibration) {
    return { elements: products(calibration, await meanSquaredGradients(calibration), damage) };
  },
});

/** The same for filters alone, with labels drawn from what the network itself says. */
export const obdC = defineCriterion({
  id: 'obd-c',
  title: 'change of the loss to second order, by the diagonal of the Fisher matrix, of whole filters',
  paper: 'Wang et al. 2019, EigenDamage: Structured Pruning in the Kronecker-Factored Eigenbasis',
  scores: ({ role }) => role === 'out',
  async estimate(calibration) {
    return { elements: products(calibration, await meanSquaredGradients(calibration, { sampled: true }), damage) };
  },
});
