export { densenet121 } from './densenet.ts';
export { googlenet } from './googlenet.ts';
export { mobilenetv2 } from './mobilenetv2.ts';
export { resnet18, resnet34, resnet50, resnext50 } from './resnet.ts';
export { vgg19 } from './vgg.ts';
export { vitBase, vitSmall, vitTiny } from './vit.ts';
export { yolov8l, yolov8m, yolov8n, yolov8s, yolov8x } from './yolov8.ts';
