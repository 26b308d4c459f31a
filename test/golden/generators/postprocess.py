"""postprocess.json: torchvision's RetinaNet from outputs to detections."""

import types

import numpy as np
import torch

from golden import anchor_grid, array, write
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.ops import boxes as box_ops


def one_image(logits, deltas, levels, size, settings):
    sizes = [len(level) for level in levels]
    head = {
        "cls_logits": list(torch.from_numpy(logits)[None].split(sizes, 1)),
        "bbox_regression": list(torch.from_numpy(deltas)[None].split(sizes, 1)),
    }
    model = types.SimpleNamespace(box_coder=det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0)), **settings)
    anchors = [[torch.from_numpy(level) for level in levels]]
    return RetinaNet.postprocess_detections(model, head, anchors, [size])[0]


def generate():
    # the coordinate offset of batched_nms would move overlaps near the threshold
    by_class, agnostic = (
        box_ops._batched_nms_vanilla,
        lambda boxes, scores, _, threshold: box_ops.nms(boxes, scores, threshold),
    )
    cases = []
    grids = [
        {"strides": [8, 16, 32], "baseSizes": [16, 32, 48], "scales": [1], "aspectRatios": [0.5, 1, 2]},
        {"strides": [16], "baseSizes": [32], "scales": [1, 2 ** (1 / 3)], "aspectRatios": [1]},
    ]
    options = [
        {"score_thresh": 0.05, "topk_candidates": 1000, "nms_thresh": 0.5, "detections_per_img": 300},
        {"score_thresh": 0.2, "topk_candidates": 60, "nms_thresh": 0.3, "detections_per_img": 12},
    ]
    classes, height, width = 3, 60, 70
    variants = [(g, o, by_class) for g in grids for o in options] + [(g, options[0], agnostic) for g in grids]
    for index, (grid, settings, box_ops.batched_nms) in enumerate(variants):
        is_agnostic = box_ops.batched_nms is agnostic
        levels = anchor_grid(height, width, *grid.values())
        count = sum(len(level) for level in levels)
        for seed in range(1000):  # the first seed without an overlap so near the threshold that rounding decides
            rng = np.random.default_rng(1000 * index + seed)
            # evenly spaced logits in random order: no ties, none within rounding of the score threshold
            logits = np.linspace(-6, 2.5, 2 * count * classes)[rng.permutation(2 * count * classes)]
            logits = logits.astype(np.float32).reshape(2, count, classes)
            deltas = rng.normal(0, 0.2, (2, count, 4)).astype(np.float32)
            if nearest(logits, deltas, np.concatenate(levels), settings, height, width, is_agnostic) > 2e-6:
                break
        else:
            raise SystemExit("no seed keeps clear of the threshold")
        images = [one_image(logits[b], deltas[b], levels, (height, width), settings) for b in range(2)]
        cases.append(
            {
                "imageHeight": height,
                "imageWidth": width,
                "numClasses": classes,
                "grid": grid,
                "scoreThreshold": settings["score_thresh"],
                "topK": settings["topk_candidates"],
                "iouThreshold": settings["nms_thresh"],
                "classAgnostic": is_agnostic,
                "maxDetections": settings["detections_per_img"],
                "logits": array(logits, "float32"),
                "deltas": array(deltas, "float32"),
                "offsets": np.cumsum([0] + [len(i["scores"]) for i in images]).tolist(),
                "boxes": array(np.concatenate([i["boxes"].numpy() for i in images]), "float32"),
                "scores": array(np.concatenate([i["scores"].numpy() for i in images]), "float32"),
                "labels": array(np.concatenate([i["labels"].numpy() for i in images]), "int32"),
            }
        )
    write("postprocess.json", cases)


def nearest(logits, deltas, anchors, settings, height, width, is_agnostic):
    """The distance from the IoU threshold of the closest pair of candidates that compete."""
    closest = 1.0
    coder = det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    for b in range(len(logits)):
        boxes = coder.decode_single(torch.from_numpy(deltas[b]).double(), torch.from_numpy(anchors).double())
        boxes = box_ops.clip_boxes_to_image(boxes, (height, width))
        is_candidate = 1 / (1 + np.exp(-logits[b])) > settings["score_thresh"]
        if is_agnostic:
            is_candidate = is_candidate.any(axis=1, keepdims=True)
        for k in range(is_candidate.shape[1]):
            chosen = boxes[torch.from_numpy(is_candidate[:, k])]
            if len(chosen):
                closest = min(closest, float((box_ops.box_iou(chosen, chosen) - settings["nms_thresh"]).abs().min()))
    return closest
