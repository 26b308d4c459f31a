"""matcher.json: torchvision's Matcher."""

import numpy as np
import torch

from golden import anchor_grid, array, random_boxes, write
from torchvision.models.detection import _utils as det_utils
from torchvision.ops import boxes as box_ops


def match(gt, anchors, high, low, low_quality):
    """torchvision's Matcher, with boxes that overlap no anchor left out but keeping their index."""
    iou = box_ops.box_iou(torch.from_numpy(gt), torch.from_numpy(anchors))
    alive = torch.where(iou.max(dim=1).values > 0)[0]
    if len(alive) == 0:
        return np.full(len(anchors), -1, np.int32), np.arange(len(gt), dtype=np.int32)
    matches = det_utils.Matcher(high, low, low_quality)(iou[alive] if len(alive) < len(gt) else iou)
    matches = torch.where(matches >= 0, alive[matches.clamp(min=0)], matches)
    return matches.numpy().astype(np.int32), np.setdiff1d(np.arange(len(gt)), alive.numpy()).astype(np.int32)


def generate():
    rng = np.random.default_rng(11)
    sets = []
    for index in range(6):
        anchors, gt = random_boxes(rng, 150 + 37 * index), random_boxes(rng, 1 + 3 * index, smallest=12)
        sets.append(("random", anchors, gt))
    for index in range(4):
        anchors = random_boxes(rng, 200, 24, 2, 9, integer=True)
        sets.append(("integer ties", anchors, random_boxes(rng, 5 + 4 * index, 24, 3, 9, integer=True)))
    twice = random_boxes(rng, 6, smallest=15)
    sets.append(("duplicated boxes", random_boxes(rng, 300), np.concatenate([twice, twice[::-1], twice[:1]])))
    some = random_boxes(rng, 60)
    sets.append(("duplicated anchors", np.concatenate([some, some, some[::-1]]), random_boxes(rng, 9, smallest=12)))
    sets.append(("anchors equal boxes", np.concatenate([some, twice]), twice))
    # [0,0,10,10] against slices of its own width: IoU k/10 exactly, so .3, .4, .5, .6, .7 fall on the thresholds
    slices = [[0, 0, k, 10] for k in range(1, 11)] + [[0, 0, 10, k] for k in range(1, 11)]
    slices += [[0, 0, 10, 20], [0, 0, 10, 25], [0, -5, 10, 15], [10, 0, 20, 10], [0, 10, 10, 20], [-10, -10, 0, 0]]
    sets.append(("on the thresholds", np.array(slices, np.float32), np.array([[0, 0, 10, 10]], np.float32)))
    more = np.array([[0, 0, 10, 10], [0, 0, 5, 10], [5, 0, 10, 10], [0, 0, 10, 4]], np.float32)
    sets.append(("on the thresholds", np.array(slices, np.float32), more))
    grid = np.concatenate(anchor_grid(96, 128, [16, 32], [48, 96], [1, 2 ** (1 / 3)], [0.5, 1, 2]))
    sets.append(("grid", grid, random_boxes(rng, 7, 96, 20, 80)))
    away = np.array([[1000, 1000, 1010, 1010], [10, 10, 40, 50], [-50, -50, -45, -40]], np.float32)
    sets.append(("overlaps nothing", random_boxes(rng, 80), away))
    cases = []
    for name, anchors, gt in sets:
        runs = []
        for high, low in ((0.5, 0.4), (0.7, 0.3), (0.5, 0.5), (0.6, 0.35)):
            for low_quality in (True, False):
                matches, unmatched = match(gt, anchors, high, low, low_quality)
                # Set aside, as documented: only the case named so may hold a box without any overlap.
                assert (len(unmatched) > 0) == (name == "overlaps nothing"), name
                if len(unmatched) == 0:
                    iou = box_ops.box_iou(torch.from_numpy(gt), torch.from_numpy(anchors))
                    plain = det_utils.Matcher(high, low, low_quality)(iou).numpy()
                    assert np.array_equal(plain, matches)
                runs.append({"high": high, "low": low, "lowQuality": low_quality, "matches": array(matches, "int32")})
        boxes = {"anchors": array(anchors, "float32"), "gt": array(gt, "float32")}
        cases.append({"name": name, **boxes, "unmatched": unmatched.tolist(), "runs": runs})
    write("matcher.json", cases)
