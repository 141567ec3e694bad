import { defineExperiment, type Experiment } from '../../kernel/bench/experiment.ts';
import { protocols } from '../../kernel/bench/protocols.ts';
import { few, forDetectors } from './methods.ts';
import { smokeProtocol } from './profiles.ts';

const plan = { methods: forDetectors, speedups: [2, 3, 4] };

/** A detector on COCO, from weights of Ultralytics; the cousin on a laptop finds drawn shapes. */
export const coco: readonly Experiment[] = [
  defineExperiment({
    id: 'yolov8m-coco',
    title: 'YOLOv8m on COCO, protected-global, 2x, 3x and 4x',
    about:
      'A detector has a backbone, a neck that joins three resolutions and a head for each of them; splits and concatenations tie ' +
      'parts of layers together. All of it is pruned but the outputs. The score is mAP50-95: precision averaged over classes and ' +
      'over ten thresholds of how well boxes must fit.',
    published: { model: 'yolov8m', dataset: 'coco' },
    profiles: {
      smoke: {
        model: 'yolov8n',
        modelOptions: { width: 0.125 },
        dataset: 'shapes-detection',
        datasetOptions: { train: 16, test: 8, image: 64, classes: 2, figures: 1 },
        methods: few,
        speedups: [2, 3],
        protocol: smokeProtocol(8),
      },
      laptop: {
        ...plan,
        model: 'yolov8n',
        modelOptions: { width: 0.5 },
        dataset: 'shapes-detection',
        protocol: protocols['quick-detection'],
      },
      paper: { ...plan, model: 'yolov8m', dataset: 'coco', protocol: protocols['paper-coco'] },
    },
  }),
];
