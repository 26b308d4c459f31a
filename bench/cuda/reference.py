"""What the operations must give, in numpy: float64 for the losses, float32 in the documented order for overlaps."""

from fractions import Fraction

import numpy as np


def focal(x, t, alpha, gamma):
    """Loss and gradient."""
    x, t = x.astype(np.float64), t.astype(np.float64)
    with np.errstate(over="ignore"):
        p, n = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))
    q = p * (1 - t) + n * t
    ce = (1 - t) * np.logaddexp(0, x) + t * np.logaddexp(0, -x)
    a = 1.0 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    # log(q), near 1 by what is missing there: a power of q itself would magnify its rounding by gamma
    below = q < 0.5
    log_q = np.log(np.where(below & (q > 0), q, 1)) + np.log1p(-np.where(below, 0, p * t + n * (1 - t)))
    log_q = np.where(t == 0, -np.logaddexp(0, -x), np.where(t == 1, -np.logaddexp(0, x), log_q))
    power = np.exp(gamma * log_q)
    # d q / d x = p n (1 - 2 t), divided by q first: no power below zero of a tiny q
    through_q = gamma * power * np.divide(p * n, q, out=np.zeros_like(q), where=q > 0) * ce
    grad = a * (through_q * (1 - 2 * t) + power * (p * (1 - t) - n * t))
    return a * power * ce, grad


def one_hot(labels, classes):
    return (labels[:, None] == np.arange(classes)).astype(np.float64)


def smooth_l1(predictions, targets, beta):
    d = predictions.astype(np.float64) - targets
    if beta == 0:
        return np.abs(d), np.sign(d)
    inside = np.abs(d) < beta
    return np.where(inside, d * d / (2 * beta), np.abs(d) - beta / 2), np.where(inside, d / beta, np.sign(d))


def iou(a, b):
    area = lambda boxes: (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(high - low, np.float32(0))
    inter = sides[..., 0] * sides[..., 1]
    with np.errstate(invalid="ignore"):  # of two boxes without area: NaN
        return inter / ((area(a)[:, None] + area(b)[None]) - inter)


def match(anchors, gt, high, low, low_quality):
    """torchvision's Matcher, but that a box without any overlap ties with no anchor."""
    if len(gt) == 0:
        return np.full(len(anchors), -1, np.int32)
    overlap = iou(gt, anchors)
    best = overlap.argmax(0).astype(np.int32)
    value = overlap.max(0)
    result = np.where(value >= np.float32(high), best, np.where(value >= np.float32(low), -2, -1)).astype(np.int32)
    if low_quality:
        most = overlap.max(1, keepdims=True)
        kept = ((overlap == most) & (most > 0)).any(0)
        result[kept] = best[kept]
    return result


def nms(boxes, scores, threshold, classes=None):
    """Greedy: the best box that is left removes what overlaps it by more than the threshold (float32 overlap, float64 threshold)."""
    if len(boxes) == 0:
        return np.zeros(0, np.int32)
    # What overlaps a box begins in its cell or in one of those around, cells being as large as the largest box.
    cell = np.floor(boxes[:, :2].astype(np.float64) / max(1e-3, float((boxes[:, 2:] - boxes[:, :2]).max())))
    removed, near, kept = np.zeros(len(boxes), bool), {}, []
    for best in np.argsort(-scores, kind="stable"):
        if removed[best]:
            continue
        kept.append(best)
        place = tuple(cell[best])
        if place not in near:
            near[place] = np.flatnonzero((np.abs(cell - cell[best]) <= 1).all(1))
        left = near[place] = near[place][~removed[near[place]]]
        over = iou(boxes[best : best + 1], boxes[left])[0].astype(np.float64) > threshold
        removed[left[over if classes is None else over & (classes[left] == classes[best])]] = True
        removed[best] = True
    return np.array(kept, np.int32)


def encode(anchors, boxes):
    a, b = anchors.astype(np.float64), boxes.astype(np.float64)
    size, wanted = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    centres = (b[:, :2] + wanted / 2 - a[:, :2] - size / 2) / size
    return np.concatenate([centres, np.log(wanted / size)], 1)


def decode(anchors, deltas, size):
    """Boxes of deltas, clipped to the image."""
    a, d = anchors.astype(np.float64), deltas.astype(np.float64)
    side = a[:, 2:] - a[:, :2]
    centre = a[:, :2] + side / 2 + d[:, :2] * side
    half = side * np.exp(np.minimum(d[:, 2:], np.log(1000 / 16))) / 2
    boxes = np.concatenate([centre - half, centre + half], 1)
    return np.clip(boxes, 0, [size[1], size[0]] * 2).astype(np.float32)


def detections(logits, boxes, counts, score_threshold, top_k, threshold, most):
    """Of one image, best first, as rows of the flattened logits [anchors, classes]; `boxes` are decoded, `counts` anchors a level."""
    classes = logits.shape[1]
    with np.errstate(over="ignore"):
        scores = 1 / (1 + np.exp(-logits.ravel().astype(np.float64)))
    scores = np.where(np.isnan(scores), -1, scores).astype(np.float32)
    ends, chosen = np.cumsum([0, *counts]) * classes, []
    for first, end in zip(ends, ends[1:]):
        passed = first + np.flatnonzero(scores[first:end] > np.float32(score_threshold))
        chosen.append(passed[np.argsort(-scores[passed], kind="stable")][:top_k])
    chosen = np.sort(np.concatenate(chosen))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    return chosen[nms(boxes[chosen // classes], scores[chosen], threshold, chosen % classes)[:most]]


def hard_negatives(losses, labels, ratio):
    sums = losses.astype(np.float64).cumsum(1)[:, -1]
    wanted = int(Fraction(str(ratio)) * int((labels >= 0).sum()))  # of decimal numbers
    order = np.argsort(-sums, kind="stable")
    return order[labels[order] == -1][:wanted].astype(np.int32)
