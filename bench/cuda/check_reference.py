"""Checks against the references of reference.py on random data."""

import numpy as np

import reference
from compare import check, close, equal, random_boxes, random_truth
from operations import AnchorList, Grid, to_dtype, to_float32


@check
def focal_loss_options(ops):
    rng = np.random.default_rng(1)
    for rows, classes in ((1, 1), (33, 7), (130, 80), (7, 91)):
        x = rng.normal(-3, 4, (rows, classes)).astype(np.float32)
        labels = rng.integers(-2, classes, rows).astype(np.int32)
        for alpha, gamma in ((0.25, 2.0), (None, 1.5), (0.4, 0.0), (0.25, 1.0)):
            for dtype in ("float32", "float16", "bfloat16") if ops.memory == "device" else ("float32",):
                logits = to_float32(to_dtype(x, dtype), dtype)
                losses, grad, total, positives = ops.focal_loss(logits, labels, alpha=alpha, gamma=gamma, dtype=dtype)
                value, slope = reference.focal(logits, reference.one_hot(labels, classes), alpha, gamma)
                value[labels == -2] = slope[labels == -2] = 0
                close(losses, value, 1e-6)
                close(total, value.sum(), 1e-6)
                equal(positives, (labels >= 0).sum())
                # Half precision rounds the gradient once more; float16 has few digits below 2^-14.
                ulp = {"float32": 1e-6, "float16": 2.0**-11 + 1e-6, "bfloat16": 2.0**-8 + 1e-6}[dtype]
                close(grad, slope, ulp, absolute=2.0**-25 if dtype == "float16" else 0)


@check
def assignment_is_exhaustive_matching(ops):
    rng = np.random.default_rng(2)
    grid = Grid(96, 128, [8, 16, 32], [32, 64, 128], [1, 2 ** (1 / 3)], [0.5, 1, 2])
    boxes = ops.grid_boxes(grid)
    truth = random_truth(rng, [5, 0, 40, 1], 110, 80)
    for high, low, low_quality in ((0.5, 0.4, True), (0.6, 0.3, False)):
        want = []
        for b in range(4):
            found = reference.match(boxes, truth[0][truth[2][b] : truth[2][b + 1]], high, low, low_quality)
            want.append(np.where(found >= 0, found + truth[2][b], found))
        want = np.concatenate(want)
        for anchors in (grid, AnchorList(boxes)):
            labels, matches, positives, matched = ops.assign(anchors, truth, high, low, low_quality)
            equal(matches, want)
            equal(labels, np.where(want >= 0, truth[1][np.maximum(want, 0)], want))
            equal(positives, [(w >= 0).sum() for w in want.reshape(4, -1)])
            equal(matched, np.isin(np.arange(len(truth[1])), want))
            rows, targets = ops.positive_targets(anchors, truth[0], matches, positives.sum())
            equal(rows, np.flatnonzero(want >= 0))
            close(targets, reference.encode(boxes[rows % grid.count], truth[0][want[rows]]), 1e-5, absolute=5e-5)


@check
def retinanet_loss_is_its_parts(ops):
    rng = np.random.default_rng(3)
    grid = Grid(64, 96, [8, 16, 32], [32, 64, 128], [1], [0.5, 1, 2])
    truth = random_truth(rng, [3, 0, 9], 80, 5)
    x = rng.normal(-3, 2, (3, grid.count, 5)).astype(np.float32)
    d = rng.normal(0, 0.5, (3, grid.count, 4)).astype(np.float32)
    labels, matches, _, _ = ops.assign(grid, truth)
    anchors, rows = ops.grid_boxes(grid), np.flatnonzero(matches >= 0)
    for dtype in ("float32", "float16", "bfloat16") if ops.memory == "device" else ("float32",):
        logits, deltas = (to_float32(to_dtype(v, dtype), dtype) for v in (x, d))
        loss, class_loss, box_loss, positives, class_grad, box_grad = ops.retinanet_loss(
            logits, deltas, grid, truth, dtype=dtype
        )
        value, slope = reference.focal(logits.reshape(-1, 5), reference.one_hot(labels, 5), 0.25, 2.0)
        value[labels == -2] = slope[labels == -2] = 0
        targets = reference.encode(anchors[rows % grid.count], truth[0][matches[rows]])
        box_value, box_slope = reference.smooth_l1(deltas.reshape(-1, 4)[rows], targets, 1 / 9)
        wanted_grad = np.zeros((3 * grid.count, 4))
        wanted_grad[rows] = box_slope / len(rows)
        equal(positives, len(rows))
        close(class_loss, value.sum() / len(rows), 1e-6)
        close(box_loss, box_value.sum() / len(rows), 1e-5)
        close(loss, class_loss + box_loss, 1e-12)
        ulp = {"float32": 1e-6, "float16": 2.0**-11 + 1e-6, "bfloat16": 2.0**-8 + 1e-6}[dtype]
        tiny = 2.0**-25 if dtype == "float16" else 0
        close(class_grad, (slope / len(rows)).reshape(class_grad.shape), ulp, absolute=tiny)
        close(box_grad, wanted_grad.reshape(box_grad.shape), ulp, absolute=5e-5 / len(rows))


@check
def nms_is_greedy(ops):
    rng = np.random.default_rng(4)
    sizes = ((0, 1), (1, 1), (64, 30), (65, 30), (1000, 120), (4500, 400))
    for count, extent in sizes[: 6 if ops.times == 1 else 5]:
        boxes = random_boxes(rng, count, extent, 2, 30)
        boxes[::17, 2] = boxes[::17, 0]
        scores = np.round(rng.uniform(size=count) * 50).astype(np.float32) / 50
        classes = rng.integers(0, 3, count).astype(np.int32)
        want = reference.nms(boxes, scores, 0.5)
        equal(ops.nms(boxes, scores, 0.5), want)
        equal(ops.nms(boxes, scores, 0.5, max_output=7), want[:7])
        equal(ops.nms(boxes, scores, 0.3, classes), reference.nms(boxes, scores, 0.3, classes))


@check
def detections_with_ties(ops):
    """Equal scores go by index, top-k and suppression included; half precision outputs."""
    rng = np.random.default_rng(5)
    size, classes, top_k, most = (70, 90), 4, 50, 30
    grid = Grid(*size, [8, 16, 32], [16, 32, 64], [1], [0.5, 1, 2])
    for dtype in ("float32", "float16", "bfloat16") if ops.memory == "device" else ("float32",):
        logits = (np.round(rng.normal(-2, 2, (2, grid.count, classes)) * 2) / 2).astype(np.float32)
        logits.reshape(-1)[::31] = np.nan
        deltas = to_float32(to_dtype(rng.normal(0, 0.3, (2, grid.count, 4)), dtype), dtype)
        boxes, scores, labels, offsets = ops.decode_detections(
            logits, deltas, grid, grid.counts, size, 0.1, top_k, 0.4, most, dtype
        )
        for b in range(2):
            decoded = ops.clip_boxes(ops.decode_boxes(grid, deltas[b]), *size)
            want = reference.detections(logits[b], decoded, grid.counts, 0.1, top_k, 0.4, most)
            rows = slice(offsets[b], offsets[b + 1])
            equal(labels[rows], want % classes)
            equal(boxes[rows], decoded[want // classes])
            close(scores[rows], 1 / (1 + np.exp(-logits[b].ravel()[want].astype(np.float64))), 1e-7)


@check
def detections_where_most_logits_are_candidates(ops):
    """A stretch of 2048 logits has room for 64 candidates; where it has more its logits are read again."""
    rng = np.random.default_rng(10)
    size, classes, most = (256, 256), 13, 50
    grid = Grid(*size, [16, 64], [32, 128], [1], [0.5, 1, 2])
    logits = rng.normal(-1, 2, (1, grid.count, classes)).astype(np.float32)
    deltas = np.zeros((1, grid.count, 4), np.float32)
    anchors = ops.clip_boxes(ops.decode_boxes(grid, deltas[0]), *size)
    for dtype in ("float32", "float16", "bfloat16") if ops.memory == "device" else ("float32",):
        x = to_float32(to_dtype(logits, dtype), dtype)
        for top_k in (20, 2000):
            boxes, scores, labels, _ = ops.decode_detections(
                x, deltas, grid, grid.counts, size, 0.1, top_k, 0.4, most, dtype
            )
            want = reference.detections(x[0], anchors, grid.counts, 0.1, top_k, 0.4, most)
            equal(labels, want % classes)
            equal(boxes, anchors[want // classes])
            close(scores, 1 / (1 + np.exp(-x[0].ravel()[want].astype(np.float64))), 1e-7)


@check
def hard_negatives_are_the_hardest(ops):
    rng = np.random.default_rng(6)
    sizes = ((1, 1), (300, 1), (700, 80), (5000, 3))
    for rows, columns in sizes[: 4 if ops.times == 1 else 3]:
        losses = np.round(rng.exponential(1, (rows, columns)) * 4).astype(np.float32) / 4
        labels = rng.choice(np.array([-2, -1, -1, -1, 3], np.int32), rows)
        for ratio in (0, 0.7, 3):
            equal(ops.select_hard_negatives(losses, labels, ratio), reference.hard_negatives(losses, labels, ratio))
