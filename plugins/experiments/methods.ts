const withRegularizer = [
  'magnitude-l2 + group-norm',
  'magnitude-l2 + group-lasso',
  'magnitude-l2 + growing-reg',
  'bn-scale + bn-scale',
  'bn-scale + group-lasso',
];

/** The methods of the paper's tables for convolutional networks, 17. */
export const forConvolutions = [
  'random',
  'magnitude-l1',
  'magnitude-l2',
  'lamp',
  'fpgm',
  'bn-scale',
  'thinet',
  'cp',
  'hrank',
  'taylor',
  'obd-hessian',
  'obd-c',
  ...withRegularizer,
];

/** Those of YOLOv8, 16. */
export const forDetectors = forConvolutions.filter(method => method !== 'obd-c');

/** Those of ViT, 12: it has no batch norms and no maps whose rank would say something. */
export const forTransformers = forDetectors.filter(method => !/^(bn-scale|hrank)/.test(method));

/** One of each kind: without data, with data, with a regularizer, none. */
export const few = ['magnitude-l2', 'taylor', 'magnitude-l2 + group-norm', 'random'];
