export { resnet18, resnet34, resnet50 } from './resnet.ts';
export { vgg19 } from './vgg.ts';
