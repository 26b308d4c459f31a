"""nms.json: torchvision's nms."""

import numpy as np
import torch

from golden import array, random_boxes, write
from torchvision.ops import boxes as box_ops


def kept_per_class(boxes, scores, classes, threshold):
    """Class-aware suppression without the coordinate offset, whose float32 sums would move the overlaps."""
    keep = []
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        kept = box_ops.nms(torch.from_numpy(boxes[rows]), torch.from_numpy(scores[rows]), threshold).numpy()
        keep.extend(rows[kept])
    return np.array(sorted(keep, key=lambda i: (-scores[i], i)), np.int32)


def generate():
    rng = np.random.default_rng(5)
    sets = []
    for count in (1, 2, 40, 150, 300):
        boxes, scores = random_boxes(rng, count, 60, 5, 30), rng.uniform(size=count).astype(np.float32)
        sets.append(("random", boxes, scores))
    boxes = random_boxes(rng, 120, 20, 4, 10, integer=True)
    sets.append(("equal scores", boxes, np.round(rng.uniform(size=120) * 4).astype(np.float32) / 4))
    sets.append(("one score", boxes, np.full(120, 0.5, np.float32)))
    pairs = [[0, 0, k, 10] for k in range(1, 11)] + [[0, 0, 10, 10]]
    for top in (9, 10):  # IoU exactly k/10 with the first kept box: `>` in float64 against a float32 overlap
        scores = np.linspace(0.1, 0.5, 11).astype(np.float32)
        scores[top] = 1
        sets.append(("on the thresholds", np.array(pairs, np.float32), scores))
    cases = []
    for name, boxes, scores in sets:
        classes = rng.integers(0, 4, len(boxes)).astype(np.int32)
        runs = []
        for threshold in (0.3, 0.5, 0.7):
            plain = box_ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).numpy()
            by_class = kept_per_class(boxes, scores, classes, threshold)
            runs.append({"threshold": threshold, "kept": plain.tolist(), "keptByClass": by_class.tolist()})
        inputs = {
            "boxes": array(boxes, "float32"),
            "scores": array(scores, "float32"),
            "classes": array(classes, "int32"),
        }
        cases.append({"name": name, **inputs, "runs": runs})
    write("nms.json", cases)
