#!/usr/bin/env python3
"""torchvision's side of the benchmarks: reads questions as lines of JSON, answers each with one line.

A question has "operation", "threads", "seconds", "arrays" ({name: {"file", "dtype"}}) and the operation's parameters.
"""

import json
import sys
import time
import types

sys.path.append(sys.path.pop(0))  # this folder last: this file is called as the package is

import numpy as np
import torch

import retinanet
import torchvision
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.ops import boxes as box_ops
from torchvision.ops import sigmoid_focal_loss


def measure(run, seconds):
    """As measure.ts: one run that does not count, then at least one and as many as the time allows."""
    run()
    times = []
    while not times or sum(times) < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    times.sort()
    return {"best": 1e3 * times[0], "median": 1e3 * times[len(times) // 2], "runs": len(times)}


def focal_loss(arrays, q):
    x = torch.from_numpy(arrays["logits"]).view(-1, q["numClasses"])
    t = torch.from_numpy(arrays["targets"]).view(-1, q["numClasses"])

    def run(x, t):
        if not q["withGrad"]:
            with torch.no_grad():
                return sigmoid_focal_loss(x, t, q["alpha"], q["gamma"], "sum"), None
        x = x.detach().requires_grad_()
        loss = sigmoid_focal_loss(x, t, q["alpha"], q["gamma"], "sum")
        return loss.detach(), torch.autograd.grad(loss, x)[0]

    loss, grad = run(x[:50], t[:50])
    few = {"sum": float(loss), "grad": None if grad is None else grad.flatten().tolist()}
    return {**few, **measure(lambda: run(x, t), q["seconds"])}


def assign(arrays, q):
    anchors = torch.from_numpy(arrays["anchors"]).view(-1, 4)
    boxes = torch.from_numpy(arrays["boxes"]).view(-1, 4)
    labels = torch.from_numpy(arrays["labels"])
    matcher, coder = det_utils.Matcher(0.5, 0.4, True), det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))

    def run():
        """What assignAnchors returns: matches and labels of all anchors, the positive ones and their deltas."""
        matches = matcher(box_ops.box_iou(boxes, anchors))
        positives = torch.where(matches >= 0)[0]
        rows = matches[positives]
        labels_of_anchors = matches.clone()
        labels_of_anchors[positives] = labels[rows].to(matches.dtype)
        return matches, labels_of_anchors, positives, coder.encode_single(boxes[rows], anchors[positives])

    matches = run()[0].to(torch.int32).tolist() if q["answer"] else None
    return {"matches": matches, **measure(run, q["seconds"])}


def nms(arrays, q):
    boxes = torch.from_numpy(arrays["boxes"]).view(-1, 4)
    scores = torch.from_numpy(arrays["scores"])
    run = lambda: box_ops.nms(boxes, scores, q["iouThreshold"])
    return {"kept": run().tolist(), **measure(run, q["seconds"])}


def decode(arrays, q):
    anchors = torch.from_numpy(arrays["anchors"]).view(-1, 4)
    head = {
        "cls_logits": list(
            torch.from_numpy(arrays["logits"]).view(q["images"], len(anchors), -1).split(q["levels"], 1)
        ),
        "bbox_regression": list(torch.from_numpy(arrays["deltas"]).view(q["images"], -1, 4).split(q["levels"], 1)),
    }
    model = types.SimpleNamespace(
        box_coder=det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0)),
        score_thresh=0.05,
        topk_candidates=1000,
        nms_thresh=0.5,
        detections_per_img=300,
    )
    split = [list(anchors.split(q["levels"]))] * q["images"]
    run = lambda: RetinaNet.postprocess_detections(model, head, split, [(q["height"], q["width"])] * q["images"])
    return {"detections": [len(image["scores"]) for image in run()], **measure(run, q["seconds"])}


def depthwise(arrays, q):
    """A depthwise convolution of 3 x 3, padded by one pixel, or one of its gradients; arrays are NHWC."""
    layout = torch.channels_last if q["layout"] == "channels_last" else torch.contiguous_format
    channels, stride = q["shape"][3], q["stride"]
    images = lambda name, shape: (
        torch.from_numpy(arrays[name]).view(shape).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    )
    filters = lambda name: torch.from_numpy(arrays[name]).view(3, 3, channels, 1).permute(2, 3, 0, 1).contiguous()
    if q["form"] == "forward":
        x, w = images("a", q["shape"]), filters("b")
        run = lambda: torch.conv2d(x, w, None, stride, 1, 1, channels)
    else:
        by_input = q["form"] == "input gradient"
        nothing = torch.zeros([q["shape"][i] for i in (0, 3, 1, 2)])  # whose shape alone counts
        x = nothing.contiguous(memory_format=layout) if by_input else images("a", q["shape"])
        dy = images("a" if by_input else "b", q["outputShape"])
        w = filters("b") if by_input else torch.zeros(channels, 1, 3, 3)
        pairs = [stride, stride], [1, 1], [1, 1], False, [0, 0]
        mask = [by_input, not by_input, False]
        gradients = torch.ops.aten.convolution_backward
        run = lambda: gradients(dy, x, w, None, *pairs, channels, mask)[0 if by_input else 1]
    result = run()
    result = result.permute(2, 3, 0, 1) if q["form"] == "filter gradient" else result.permute(0, 2, 3, 1)
    return {"samples": result.flatten()[:: q["every"]].tolist(), **measure(run, q["seconds"])}


OPERATIONS = {f.__name__: f for f in (focal_loss, assign, nms, decode, depthwise)} | retinanet.OPERATIONS

for line in sys.stdin:
    question = json.loads(line)
    try:
        torch.set_num_threads(question["threads"])
        data = {name: np.fromfile(a["file"], a["dtype"]) for name, a in question["arrays"].items()}
        answer = OPERATIONS[question["operation"]](data, question)
        answer["versions"] = "torch %s, torchvision %s" % (torch.__version__, torchvision.__version__)
    except Exception as error:  # the answer carries it
        answer = {"error": "%s: %s" % (type(error).__name__, error)}
    print(json.dumps(answer), flush=True)
