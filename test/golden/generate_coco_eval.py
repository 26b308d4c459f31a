#!/usr/bin/env python3
"""Writes coco-eval.json: average precision by the official COCO tool.

    pip install pycocotools==2.0.11
    python3 test/golden/generate_coco_eval.py

Arrays are packed as in generate.py. Coordinates are quarters, so that corners and widths hold the same numbers; every random
input comes from a seed, so a second run writes the same bytes.
"""

import base64
import contextlib
import io
import json
import os
from importlib.metadata import version

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CODES = {"float32": "f32", "float64": "f64", "int32": "i32"}


def array(values, dtype):
    values = np.ascontiguousarray(np.asarray(values), dtype=np.dtype(dtype).newbyteorder("<"))
    return {"shape": list(values.shape), CODES[dtype]: base64.b64encode(values.tobytes()).decode()}


def true_box(rng):
    low = rng.integers(0, 60, 2) / 4
    return [*low, *(low + rng.integers(4, 60, 2) / 4)]


def detected_box(rng, true_boxes):
    if true_boxes and rng.uniform() < 0.6:
        box = np.array(true_boxes[rng.integers(len(true_boxes))]) + rng.integers(-4, 5, 4) * (rng.uniform() < 0.7) / 4
    else:
        box = np.array(true_box(rng))
    kind = rng.uniform()
    if kind < 0.05:
        box[2] = box[0]  # no width
    elif kind < 0.1:
        box[[0, 2]] = box[[2, 0]]  # turned around: negative area
    elif kind < 0.13:
        box = box[[2, 3, 0, 1]]  # both sides turned around: positive area, no overlap
    return list(box)


def image(rng, classes):
    true_labels = list(rng.integers(0, classes, rng.integers(0, 6)))
    true_boxes = [true_box(rng) for _ in true_labels]
    count = rng.integers(0, 12)
    labels = list(rng.integers(0, classes, count))
    boxes = [detected_box(rng, true_boxes) for _ in labels]
    for i in range(count):  # of the right class, mostly
        if true_boxes and rng.uniform() < 0.7:
            labels[i] = true_labels[rng.integers(len(true_labels))]
    scores = rng.integers(0, 9, count) / 8  # few values: ties
    scores[rng.uniform(size=count) < 0.1] = np.nan
    return true_boxes, true_labels, boxes, labels, scores


def xywh(box):
    return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]


def average_precisions(images, classes, iou_threshold, max_detections):
    truth, found = [], []
    for i, (true_boxes, true_labels, boxes, labels, scores) in enumerate(images):
        for box, label in zip(true_boxes, true_labels):
            x, y, w, h = xywh(box)
            truth.append(
                dict(
                    id=len(truth) + 1,
                    image_id=i + 1,
                    category_id=int(label) + 1,
                    bbox=[x, y, w, h],
                    area=w * h,
                    iscrowd=0,
                )
            )
        for box, label, score in zip(boxes, labels, scores):
            found.append(dict(image_id=i + 1, category_id=int(label) + 1, bbox=xywh(box), score=float(score)))
    if not found:
        return None  # the tool takes no empty list
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = dict(
            images=[dict(id=i + 1) for i in range(len(images))],
            categories=[dict(id=k + 1, name=str(k)) for k in range(classes)],
            annotations=truth,
        )
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.params.iouThrs = np.array([iou_threshold])
        evaluation.params.maxDets = [max_detections]
        evaluation.params.areaRng = [[0, 1e5**2]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, 0]  # [recall levels, classes]; -1: no ground truth
    return np.where(precision[0] < 0, np.nan, precision.mean(axis=0))


def cases():
    nowhere = [50, 50, 60, 60]
    # A NaN score ranks last: AP 0.5.
    yield [([[0, 0, 10, 10]], [0], [[0, 0, 10, 10], nowhere], [0, 0], np.array([np.nan, 0.9]))], 1, 0.5, 100
    rng = np.random.default_rng(20140501)
    for _ in range(120):
        classes = int(rng.integers(1, 4))
        images = [image(rng, classes) for _ in range(rng.integers(1, 7))]
        yield images, classes, float(rng.choice([0.25, 0.5, 0.75, 1])), int(rng.choice([1, 2, 5, 100]))


def pack(images, classes, iou_threshold, max_detections, ap):
    offsets = lambda lists: array(np.cumsum([0] + [len(rows) for rows in lists]), "int32")
    join = lambda column: [row for part in images for row in part[column]]
    return dict(
        classes=classes,
        iouThreshold=iou_threshold,
        maxDetections=max_detections,
        trueBoxes=array(np.reshape(join(0), (-1, 4)), "float32"),
        trueLabels=array(join(1), "int32"),
        trueOffsets=offsets([part[1] for part in images]),
        boxes=array(np.reshape(join(2), (-1, 4)), "float32"),
        labels=array(join(3), "int32"),
        scores=array(join(4), "float32"),
        offsets=offsets([part[3] for part in images]),
        ap=array(ap, "float64"),
    )


def main():
    packed = []
    for case in cases():
        ap = average_precisions(*case)
        if ap is not None:
            packed.append(pack(*case, ap))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "coco-eval.json")
    with open(path, "w") as file:
        made = {"pycocotools": version("pycocotools"), "numpy": np.__version__, "cases": len(packed)}
        file.write('{"made": %s, "cases": [\n' % json.dumps(made))
        file.write(",\n".join(json.dumps(case) for case in packed))
        file.write("\n]}\n")
    print("coco-eval.json", len(packed), "cases,", os.path.getsize(path), "bytes")


main()
