export { cifar10 } from './cifar10.ts';
export { cifar100 } from './cifar100.ts';
export { coco } from './coco.ts';
export { imagenet } from './imagenet.ts';
export { shapes } from './shapes.ts';
export { shapesDetection } from './shapes-detection.ts';
