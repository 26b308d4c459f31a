#!/usr/bin/env python3
"""Writes coco-numbers.json: the twelve numbers of the official COCO tool on random sets, of all classes and of each.

    pip install pycocotools==2.0.11
    python3 test/golden/generate_coco_numbers.py

Sets have crowds, areas that are not those of the boxes, areas on the borders of the ranges, ties of scores and of overlaps, overlaps on
the thresholds, images and classes without objects, ids in any order, and classes with more than 100 detections in an image. Every
random input comes from a seed, so a second run writes the same bytes.
"""

import contextlib
import io
import json
import os
from importlib.metadata import version

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def true_box(rng, extent):
    if rng.uniform() < 0.2:
        side = float(rng.choice([32, 96]))  # on the border of two ranges
        return [*map(float, rng.integers(0, 50, 2)), side, side]
    size = rng.integers(4, extent, 2)
    return [*map(float, rng.integers(0, extent, 2)), *map(float, size)]


def detected_box(rng, boxes, extent):
    if boxes and rng.uniform() < 0.8:
        box = np.array(boxes[rng.integers(len(boxes))]) + rng.integers(-3, 4, 4) * (rng.uniform() < 0.7)
    else:
        box = np.array(true_box(rng, extent))
    kind = rng.uniform()
    if kind < 0.03:
        box[2] = 0
    elif kind < 0.06:
        box[3] = -box[3]
    return [float(v) for v in box]


def annotation(rng, box, image, category):
    made = {"image_id": int(image), "category_id": int(category), "bbox": box, "iscrowd": int(rng.uniform() < 0.15)}
    area = box[2] * box[3]
    return {**made, "area": float(np.round(area * rng.uniform(0.3, 1))) if rng.uniform() < 0.5 else area}


def random_set(rng, many):
    extent = int(rng.choice([40, 120, 260]))
    images = rng.permutation(np.arange(1, 40))[: rng.integers(1, 9)]
    categories = rng.permutation(np.arange(1, 90))[: rng.integers(1, 6)]
    annotations, results = [], []
    for image in images:
        boxes = [true_box(rng, extent) for _ in range(rng.choice([0, 1, 3, 8]))]
        for box in boxes:
            annotations.append(annotation(rng, box, image, rng.choice(categories)))
        for _ in range(rng.choice([0, 2, 10, 20]) + many * 130):
            score = float(rng.integers(0, 17) / 16)  # few values: ties
            category = categories[0] if rng.uniform() < many * 0.9 else rng.choice(categories)
            box = detected_box(rng, boxes, extent)
            results.append({"image_id": int(image), "category_id": int(category), "bbox": box, "score": score})
    order = rng.permutation(len(results))
    for i, one in enumerate(annotations):
        one["id"] = i + 1
    return {
        "truth": {
            "images": [{"id": int(image)} for image in images],
            "categories": [{"id": int(category), "name": f"class {category}"} for category in categories],
            "annotations": annotations,
        },
        "results": [results[i] for i in order],
    }


def numbers(evaluation, classes):
    """As the tool's summarize, for some of the classes."""
    precision, recall = evaluation.eval["precision"][:, :, classes], evaluation.eval["recall"][:, classes]
    mean = lambda values: float(values[values > -1].mean()) if (values > -1).any() else -1.0
    ap = lambda thresholds, area: mean(precision[thresholds, :, :, area, 2])
    average = [ap(slice(None), 0), ap([0], 0), ap([5], 0), *(ap(slice(None), area) for area in (1, 2, 3))]
    recalls = [mean(recall[:, :, 0, m]) for m in range(3)] + [mean(recall[:, :, area, 2]) for area in (1, 2, 3)]
    return average + recalls


def evaluate(truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = json.loads(json.dumps(truth))
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(json.loads(json.dumps(results))), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ids = list(evaluation.params.catIds)
    everything = numbers(evaluation, list(range(len(ids))))
    assert np.allclose(everything, evaluation.stats, rtol=0, atol=1e-15)
    by_class = [{"id": int(id), **dict(zip(NAMES, numbers(evaluation, [k])))} for k, id in enumerate(ids)]
    return {**dict(zip(NAMES, map(float, evaluation.stats))), "classes": by_class}


def main():
    rng = np.random.default_rng(20150301)
    cases = []
    while len(cases) < 40:
        case = random_set(rng, many=int(len(cases) % 20 == 19))
        if case["results"]:  # the tool takes no empty list
            cases.append({**case, "numbers": evaluate(**case)})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "coco-numbers.json")
    with open(path, "w") as file:
        made = {"pycocotools": version("pycocotools"), "numpy": np.__version__, "cases": len(cases)}
        file.write('{"made": %s, "cases": [\n' % json.dumps(made))
        file.write(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
        file.write("\n]}\n")
    print("coco-numbers.json", len(cases), "cases,", os.path.getsize(path), "bytes")


main()
