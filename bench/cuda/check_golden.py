"""Checks against the golden vectors of test/golden, which torchvision made."""

import numpy as np

from compare import check, close, equal, golden
from operations import AnchorList, Grid


@check
def focal_loss_is_torchvisions(ops):
    for case in golden("focal-loss.json"):
        for run in case["runs"]:
            alpha = None if run["alpha"] < 0 else run["alpha"]
            losses, grad, total, _ = ops.focal_loss(
                case["logits"], targets=case["targets"], alpha=alpha, gamma=run["gamma"]
            )
            close(losses, run["value"], 1e-6)
            close(total, run["sum"], 1e-6)
            close(grad, run["grad"], 1e-6)


@check
def smooth_l1_is_torchs(ops):
    for case in golden("smooth-l1.json"):
        for run in case["runs"]:
            losses, grad, total = ops.regression_loss("RN_SMOOTH_L1", case["predictions"], case["targets"], run["beta"])
            close(losses, run["value"], 1e-6)
            close(grad, run["grad"], 1e-6)
            close(total, run["sum"], 1e-6)


@check
def matches_are_torchvisions(ops):
    for case in golden("matcher.json"):
        anchors, gt = AnchorList(case["anchors"]), case["gt"]
        labels = 7 * np.arange(len(gt), dtype=np.int32)
        truth = (gt, labels, np.array([0, len(gt)], np.int32))
        for run in case["runs"]:
            want = run["matches"]
            got_labels, matches, positives, _ = ops.assign(anchors, truth, run["high"], run["low"], run["lowQuality"])
            equal(matches, want)
            equal(got_labels, np.where(want >= 0, labels[np.maximum(want, 0)], want))
            equal(positives, [(want >= 0).sum()])


@check
def boxes_are_torchvisions(ops):
    for case in golden("box-coder.json"):
        anchors = AnchorList(case["anchors"])
        close(ops.encode_boxes(anchors, case["boxes"]), case["encoded"], 1e-5, absolute=1e-5)
        decoded = ops.decode_boxes(anchors, case["deltas"])
        close(decoded, case["decoded"], 1e-5, scale=np.abs(case["decoded"]).max(1, keepdims=True))
        clipped = ops.clip_boxes(case["decoded"].astype(np.float32), case["height"], case["width"])
        equal(clipped, case["clipped"])
        equal(ops.box_iou(case["anchors"][:16], case["boxes"][:9]), case["iou"])


@check
def nms_is_torchvisions(ops):
    for case in golden("nms.json"):
        for run in case["runs"]:
            equal(ops.nms(case["boxes"], case["scores"], run["threshold"]), run["kept"])
            equal(ops.nms(case["boxes"], case["scores"], run["threshold"], case["classes"]), run["keptByClass"])


@check
def detections_are_torchvisions(ops):
    for case in golden("postprocess.json"):
        grid, size = case["grid"], (case["imageHeight"], case["imageWidth"])
        anchors = Grid(*size, grid["strides"], grid["baseSizes"], grid["scales"], grid["aspectRatios"])
        settings = case["scoreThreshold"], case["topK"], case["iouThreshold"], case["maxDetections"]
        boxes, scores, labels, offsets = ops.decode_detections(
            *(case["logits"], case["deltas"], anchors, anchors.counts, size, *settings),
            class_agnostic=case["classAgnostic"],
        )
        equal(offsets, case["offsets"])
        equal(labels, case["labels"])
        close(scores, case["scores"], 1e-6)
        close(boxes, case["boxes"], 0, absolute=1e-4)
