"""Reads lists of scored images as JSON and prints what pycocotools gives for each: [mAP50-95, mAP50]."""

import contextlib
import io
import json
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def score(images):
    annotations, detections, classes = [], [], set()
    for number, image in enumerate(images, 1):
        truth, found = image["truth"], image["detections"]
        for i, label in enumerate(truth["classes"]):
            box = truth["boxes"][4 * i : 4 * i + 4]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": truth["crowd"][i],
                }
            )
        for i, label in enumerate(found["classes"]):
            box = found["boxes"][4 * i : 4 * i + 4]
            detections.append(
                {"image_id": number, "category_id": label + 1, "bbox": box, "score": found["scores"][i]}
            )
        classes.update(truth["classes"], found["classes"])
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": n + 1} for n in range(len(images))],
            "categories": [{"id": c + 1} for c in sorted(classes)],
            "annotations": annotations,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(detections) if detections else empty(coco), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(evaluation.stats[0]), float(evaluation.stats[1])]


def empty(coco):
    results = COCO()
    results.dataset = {**coco.dataset, "annotations": []}
    results.createIndex()
    return results


print(json.dumps([score(images) for images in json.load(sys.stdin)]))
