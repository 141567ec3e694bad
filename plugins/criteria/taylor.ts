import { defineCriterion } from '../../kernel/plugin.ts';
import { meanGradients } from '../../kernel/prune/gradients.ts';
import { products } from './products.ts';

/** Sum over the slice of |w g|, with g the gradient of the mean loss over the calibration images. */
export const taylor = defineCriterion({
  id: 'taylor',
  title: 'change of the loss to first order',
  paper: 'Molchanov et al. 2019, Importance Estimation for Neural Network Pruning',
  async estimate(calibration) {
    return { elements: products(calibration, await meanGradients(calibration), (w, g) => Math.abs(w * g)) };
  },
});
