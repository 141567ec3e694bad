/** Objects of one image and where its pixels come from. */
export interface DetectionTarget {
  /** Boxes to train on, `[boxes, 4]`: left, top, right, bottom in pixels of the network's input. */
  readonly boxes: Float32Array;
  /** Their classes. */
  readonly classes: Int32Array;
  /** What detections are scored against; images that were put together or changed have none. */
  readonly truth?: Truth;
}

/** The targets of a batch, one per image. */
export type DetectionTargets = readonly DetectionTarget[];

/** An image as it was annotated. */
export interface Truth {
  readonly width: number;
  readonly height: number;
  /** Boxes `[boxes, 4]`: left, top, width, height in pixels of the original image. */
  readonly boxes: Float64Array;
  readonly classes: Int32Array;
  /** 1 where a box is around a crowd: detections within it count neither for nor against. */
  readonly crowd: Uint8Array;
  /** How the original lies in the network's input: `input = original * scale + offset`. */
  readonly frame: Frame;
}

export interface Frame {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
}
