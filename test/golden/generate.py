#!/usr/bin/env python3
"""Writes the golden vectors of this folder from torchvision.

    apt-get install python3-torchvision python3-mpmath  # Debian 12: torch 1.13, torchvision 0.14, mpmath 1.2
    /usr/bin/python3 test/golden/generate.py [NAME ...] [--coco DIR]

Debian's torchvision belongs to Debian's interpreter, which need not be the first python3 on PATH.
Without names everything is written; names are those of the functions at the end (focal_loss, matcher, ...).
`coco_matcher` reads coco_val2017_boxes.txt from DIR (default ../shared/data) and takes two minutes.

Arrays are {"shape": [...], "f32" | "f64" | "i32" | "u8": base64 of the little-endian bytes}.
Every random input comes from a seed, so a second run writes the same bytes.
"""
import argparse
import base64
import json
import os
import types
import zlib

import mpmath
import numpy as np
import torch
import torch.nn.functional as F
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.ops import boxes as box_ops
from torchvision.ops import sigmoid_focal_loss

HERE = os.path.dirname(os.path.abspath(__file__))
CODES = {"float32": "f32", "float64": "f64", "int32": "i32", "uint8": "u8"}
BBOX_CLIP = float(np.log(1000.0 / 16))


def array(values, dtype):
    values = np.ascontiguousarray(np.asarray(values), dtype=np.dtype(dtype).newbyteorder("<"))
    return {"shape": list(values.shape), CODES[dtype]: base64.b64encode(values.tobytes()).decode()}


def write(name, cases):
    path = os.path.join(HERE, name)
    header = {"torch": torch.__version__, "cases": len(cases)}
    with open(path, "w") as file:
        file.write('{"made": %s, "cases": [\n' % json.dumps(header))
        file.write(",\n".join(json.dumps(case) for case in cases))
        file.write("\n]}\n")
    print(name, len(cases), "cases,", os.path.getsize(path), "bytes")


# --- focal loss -------------------------------------------------------------------------------------------------------


def stable_focal(x, t, alpha, gamma):
    """The same mathematics without cancellation: 1 - p_t is a sum of non-negative terms, never a difference from 1."""
    p, n = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    q = p * (1 - t) + n * t  # 1 - p_t
    ce = (1 - t) * np.logaddexp(0, x) + t * np.logaddexp(0, -x)
    a = alpha * t + (1 - alpha) * (1 - t) if alpha >= 0 else 1.0
    value = a * q**gamma * ce
    # d q / d x = p n (1 - 2 t); divided by q first, so that no power below zero of a tiny q is ever formed
    grad = a * q**gamma * (gamma * (p * n * (1 - 2 * t) / q) * ce + p * (1 - t) - n * t)
    return value, grad


def focal_case(rng, shape, kind, extreme):
    count = shape[0] * shape[1]
    logits = rng.uniform(-100, 100, count) if extreme else rng.normal(0, 4, count)
    if extreme:  # both ends, zero and the region where float32 sigmoids round to 0 and 1
        special = [0.0, -0.0, 100.0, -100.0, 16.7, -16.7, 88.7, -88.7, 30.0, -30.0, 1e-3, -1e-3]
        logits[: len(special)] = special[:count]
    logits = logits.astype(np.float32).reshape(shape)
    if kind == "hard":
        targets = (rng.uniform(size=shape) < 0.4).astype(np.float32)
    else:
        targets = rng.uniform(size=shape).astype(np.float32)
        targets.flat[:: 5] = rng.integers(0, 2, targets.flat[:: 5].shape)
    return logits, targets


def focal_loss():
    rng = np.random.default_rng(20170807)
    inputs, cases = [], []
    shapes = [(1, 1), (3, 1), (1, 7), (5, 3), (17, 9), (8, 16)]
    for shape in shapes:
        for kind in ("hard", "soft"):
            for extreme in (False, True):
                inputs.append((kind, extreme, *focal_case(rng, shape, kind, extreme)))
    for kind, extreme, logits, targets in inputs:
        runs = []
        alphas = (-1, 0.25, 0.6) if logits.size < 100 else (-1, 0.25)
        settings = [(a, g) for a in alphas for g in (0, 0.5, 1, 1.5, 2, 5)] + [(0, 2), (1, 2)]
        for alpha, gamma in settings:
            x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
            t = torch.tensor(targets, dtype=torch.float64)
            none = sigmoid_focal_loss(x, t, alpha, gamma, "none")
            (grad,) = torch.autograd.grad(none.sum(), x)
            value, grad = none.detach().numpy(), grad.numpy()
            true_value, true_grad = stable_focal(logits.astype(np.float64), targets.astype(np.float64), alpha, gamma)
            # torchvision forms 1 - p_t by subtraction: past |logit| ~ 15 on the easy side its float64 loses digits, past
            # 37 it gives 0, and for gamma < 1 its gradient is 0 * inf = NaN. There the limit stands in, and is marked.
            close = np.isclose(value, true_value, rtol=1e-9, atol=0) & np.isclose(grad, true_grad, rtol=1e-9, atol=0)
            far = np.abs(logits) > 14
            assert np.all(close | far | np.isclose(grad, true_grad, rtol=1e-8, atol=1e-15)), "the two forms must agree"
            assert np.allclose(value, true_value, rtol=1e-8, atol=1e-7), "beyond rounding they are one function"
            limit = ~close & far
            value, grad = np.where(limit, true_value, value), np.where(limit, true_grad, grad)
            mean = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
            mean_loss = sigmoid_focal_loss(mean, t, alpha, gamma, "mean")
            (mean_grad,) = torch.autograd.grad(mean_loss, mean)
            ok = ~limit
            assert np.allclose(mean_grad.numpy()[ok] * logits.size, grad[ok], rtol=1e-9, atol=0)
            assert np.isclose(float(mean_loss) * logits.size, value.sum(), rtol=1e-6)
            runs.append(
                {
                    "alpha": alpha,
                    "gamma": gamma,
                    "value": array(value, "float64"),
                    "grad": array(grad, "float64"),
                    "sum": float(value.sum()),
                    "mean": float(value.mean()),
                    "limit": np.flatnonzero(limit).tolist(),
                    "nan": int(np.isnan(mean_grad.numpy()).sum()),
                }
            )
        cases.append(
            {
                "kind": kind,
                "extreme": extreme,
                "logits": array(logits, "float32"),
                "targets": array(targets, "float32"),
                "runs": runs,
            }
        )
    write("focal-loss.json", cases)


def exact_focal(x, target, alpha, gamma, smoothing):
    """The definition in numbers of 400 bits, which neither overflow nor cancel to nothing."""
    x, target, gamma, smoothing = (mpmath.mpf(float(v)) for v in (x, target, gamma, smoothing))
    t, no = (v * (1 - smoothing) + smoothing / 2 for v in (target, 1 - target))
    a = mpmath.mpf(1) if alpha is None else mpmath.mpf(alpha) * t + (1 - mpmath.mpf(alpha)) * no
    e = mpmath.exp(-abs(x)) if abs(x) < 1e6 else mpmath.mpf(0)
    p, n = (1 / (1 + e), e / (1 + e)) if x >= 0 else (e / (1 + e), 1 / (1 + e))
    log1p_e = mpmath.log1p(e)
    ce = no * (max(x, 0) + log1p_e) + t * (max(-x, 0) + log1p_e)
    q = p * no + n * t  # 1 - p_t
    if q == 0:
        return mpmath.mpf(0), mpmath.mpf(0)
    exponent = gamma * (mpmath.log(q) if q < 0.5 else mpmath.log1p(-(p * t + n * no)))
    power = a * mpmath.exp(exponent) if exponent > -1e6 else mpmath.mpf(0)
    return power * ce, power * (gamma * p * n / q * (no - t) * ce + p * no - n * t)


def focal_extremes():
    """Saturated and next to 0, next to hard targets, gammas whose powers underflow: every pair of logit and target."""
    magnitudes = [2.0**-149, 1e-30, 1e-10, 1e-3, 0.1, 0.5, 1.92, 7.3, 17, 40, 86, 103, 1000, 3.4028235e38]
    logits = np.array([0.0] + magnitudes + [-m for m in magnitudes], np.float32)
    targets = np.array([0, 2.0**-149, 1e-38, 1e-6, 0.1, 0.5, 0.75, 1 - 2.0**-24, 1], np.float32)
    runs = []
    with mpmath.workprec(400):
        for alpha, gamma, smoothing in [
            (0.25, 0, 0), (0.25, 1e-30, 0), (0.25, 0.1, 0), (None, 0.7, 0.1), (0.25, 1, 1e-17), (0.25, 2, 0), (1, 2, 0),
            (1e-42, 2, 0), (0, 3, 0.1), (0.25, 5, 0), (0.25, 7, 0), (0.25, 43, 0), (None, 64, 0.1), (0.25, 100, 0), (0.25, 126, 1),
            (0.9, 1e4, 0), (0.25, 1e10, 0), (None, 1e30, 0), (0.25, float(np.finfo(np.float32).max), 0),
        ]:  # fmt: skip
            results = [[exact_focal(x, t, alpha, gamma, smoothing) for t in targets] for x in logits]
            value, grad = ([[float(pair[i]) for pair in row] for row in results] for i in (0, 1))
            runs.append({"alpha": alpha, "gamma": gamma, "smoothing": smoothing,
                         "value": array(value, "float64"), "grad": array(grad, "float64")})  # fmt: skip
    write("focal-extremes.json", [{"logits": array(logits, "float32"), "targets": array(targets, "float32"), "runs": runs}])


# --- anchors and the matcher ------------------------------------------------------------------------------------------


def anchor_grid(height, width, strides, base_sizes, scales, ratios):
    """Level, row, column, scale, ratio; half sizes in float64 rounded to float32, corners rounded once more."""
    levels = []
    for stride, base in zip(strides, base_sizes):
        halves = [(base * s / np.sqrt(r) / 2, base * s * np.sqrt(r) / 2) for s in scales for r in ratios]
        half = np.array(halves, dtype=np.float64).astype(np.float32)
        rows, columns = -(-height // stride), -(-width // stride)
        cy, cx = np.meshgrid((np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, indexing="ij")
        centres = np.stack([cx, cy], -1).astype(np.float32)[:, :, None, :]
        levels.append(np.concatenate([centres - half, centres + half], -1).reshape(-1, 4).astype(np.float32))
    return levels


def match(gt, anchors, high, low, low_quality):
    """torchvision's Matcher, with boxes that overlap no anchor left out but keeping their index."""
    iou = box_ops.box_iou(torch.from_numpy(gt), torch.from_numpy(anchors))
    alive = torch.where(iou.max(dim=1).values > 0)[0]
    if len(alive) == 0:
        return np.full(len(anchors), -1, np.int32), np.arange(len(gt), dtype=np.int32)
    matches = det_utils.Matcher(high, low, low_quality)(iou[alive] if len(alive) < len(gt) else iou)
    matches = torch.where(matches >= 0, alive[matches.clamp(min=0)], matches)
    return matches.numpy().astype(np.int32), np.setdiff1d(np.arange(len(gt)), alive.numpy()).astype(np.int32)


def random_boxes(rng, count, extent=100, smallest=4, largest=60, integer=False):
    size = rng.uniform(smallest, largest, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (extent - size)
    boxes = np.concatenate([corner, corner + size], 1)
    if integer:
        boxes = np.round(boxes)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes.astype(np.float32)


def matcher():
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


def coco_matcher(folder):
    scales = [1, 2 ** (1 / 3), 2 ** (2 / 3)]
    strides = [8, 16, 32, 64, 128]
    anchors = np.concatenate(anchor_grid(640, 640, strides, [4 * s for s in strides], scales, [0.5, 1, 2]))
    lines = []
    with open(os.path.join(folder, "coco_val2017_boxes.txt")) as file:
        for line in file:
            name, *rows = line.split()
            boxes = np.array([[float(v) for v in row.split(",")[:4]] for row in rows], np.float32).reshape(-1, 4)
            boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
            if len(boxes) == 0:
                matches = np.full(len(anchors), -1, np.int32)
            else:
                matches, _ = match(boxes, anchors, 0.5, 0.4, True)
            name = os.path.splitext(os.path.basename(name))[0]
            lines.append("%s %08x %d\n" % (name, zlib.crc32(matches.astype("<i4").tobytes()), (matches >= 0).sum()))
    with open(os.path.join(HERE, "coco-matcher.txt"), "w") as file:
        file.write("# COCO val2017 on a 640x640 grid: image, CRC-32 of torchvision's matches (int32, little-endian), positives\n")
        file.write("anchors %08x %d\n" % (zlib.crc32(anchors.astype("<f4").tobytes()), len(anchors)))
        file.writelines(lines)
    print("coco-matcher.txt", len(lines), "images")


# --- boxes ------------------------------------------------------------------------------------------------------------


def box_coder():
    rng = np.random.default_rng(3)
    coder = det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    cases = []
    for count, extent in ((1, 50), (33, 100), (64, 1333)):
        anchors = random_boxes(rng, count, extent, 4, extent / 2)
        boxes = random_boxes(rng, count, extent, 2, extent / 2)
        deltas = rng.normal(0, 1, (count, 4)).astype(np.float32)
        deltas[::7, 2:] = [4.2, 9.0]  # log(1000/16) = 4.135: both sides clip
        deltas[1::7, 2:] = [100.0, -100.0]
        deltas[2::7, 2:] = [4.13, 4.14]
        a, b, d = (torch.from_numpy(v).double() for v in (anchors, boxes, deltas))
        decoded = coder.decode_single(d, a)
        clipped = box_ops.clip_boxes_to_image(torch.from_numpy(decoded.numpy().astype(np.float32)), (extent, extent + 7))
        cases.append(
            {
                "anchors": array(anchors, "float32"),
                "boxes": array(boxes, "float32"),
                "deltas": array(deltas, "float32"),
                "encoded": array(coder.encode_single(b, a).numpy(), "float64"),
                "decoded": array(decoded.numpy(), "float64"),
                "height": extent,
                "width": extent + 7,
                "clipped": array(clipped.numpy(), "float32"),
                "iou": array(box_ops.box_iou(torch.from_numpy(anchors[:16]), torch.from_numpy(boxes[:9])).numpy(), "float32"),
            }
        )
    write("box-coder.json", cases)


def kept_per_class(boxes, scores, classes, threshold):
    """Class-aware suppression without the coordinate offset, whose float32 sums would move the overlaps."""
    keep = []
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        kept = box_ops.nms(torch.from_numpy(boxes[rows]), torch.from_numpy(scores[rows]), threshold).numpy()
        keep.extend(rows[kept])
    return np.array(sorted(keep, key=lambda i: (-scores[i], i)), np.int32)


def nms():
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
        inputs = {"boxes": array(boxes, "float32"), "scores": array(scores, "float32"), "classes": array(classes, "int32")}
        cases.append({"name": name, **inputs, "runs": runs})
    write("nms.json", cases)


def smooth_l1():
    rng = np.random.default_rng(7)
    cases = []
    for count in (1, 4, 131):
        predictions, targets = (rng.normal(0, 1, count).astype(np.float32) for _ in range(2))
        targets[::4] = predictions[::4]  # exactly zero
        targets[1::9] = predictions[1::9] + np.float32(1e4)
        runs = []
        for beta in (0, 1 / 9, 0.5, 1, 3):
            x = torch.tensor(predictions, dtype=torch.float64, requires_grad=True)
            t = torch.tensor(targets, dtype=torch.float64)
            # plain L1 at beta 0: torch 1.13's smooth kernel gives -1 there for the gradient of an exact 0, L1 gives 0
            none = F.smooth_l1_loss(x, t, reduction="none", beta=beta) if beta else F.l1_loss(x, t, reduction="none")
            (grad,) = torch.autograd.grad(none.sum(), x)
            none = none.detach().numpy()
            run = {"beta": beta, "value": array(none, "float64"), "grad": array(grad.numpy(), "float64")}
            runs.append({**run, "sum": float(none.sum()), "mean": float(none.mean())})
        cases.append({"predictions": array(predictions, "float32"), "targets": array(targets, "float32"), "runs": runs})
    write("smooth-l1.json", cases)


# --- detections -------------------------------------------------------------------------------------------------------


def one_image(logits, deltas, levels, size, settings):
    sizes = [len(level) for level in levels]
    head = {
        "cls_logits": list(torch.from_numpy(logits)[None].split(sizes, 1)),
        "bbox_regression": list(torch.from_numpy(deltas)[None].split(sizes, 1)),
    }
    model = types.SimpleNamespace(box_coder=det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0)), **settings)
    anchors = [[torch.from_numpy(level) for level in levels]]
    return RetinaNet.postprocess_detections(model, head, anchors, [size])[0]


def postprocess():
    # the coordinate offset of batched_nms would move overlaps near the threshold
    by_class, agnostic = box_ops._batched_nms_vanilla, lambda boxes, scores, _, threshold: box_ops.nms(boxes, scores, threshold)
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--coco", default=os.path.join(HERE, "..", "..", "..", "shared", "data"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    writers = {f.__name__: f for f in (focal_loss, focal_extremes, matcher, box_coder, nms, smooth_l1, postprocess)}
    writers["coco_matcher"] = lambda: coco_matcher(arguments.coco)
    for chosen in arguments.names or writers:
        writers[chosen]()
