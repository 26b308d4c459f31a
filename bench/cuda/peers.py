"""What others do with the same data.

calls() gives a peer's functions and how their results are verified against ours. An ImportError says that a peer is absent."""

import types

import numpy as np
import torch
import torch.nn.functional as F

import cases
import peers_focal
import torchvision
from cases import ALPHA, GAMMA
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.ops import box_iou, sigmoid_focal_loss


def tensor(array, device, dtype="float32"):
    """A numpy array on the peers' device; bits of bfloat16 come as uint16."""
    if dtype == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).to(device).view(torch.bfloat16)
    return torch.from_numpy(array).to(device)


def calls(peer, case, device):
    """{name of one of the case's calls: (function, function that verifies its result against ours)}"""
    return VERIFIED[type(case)](peer, case, device)


def near(got, want, relative, what):
    """By the norm of the difference, for what is small is inexact in others' half precision. NaN is never near."""
    got, want = got.double().cpu().numpy(), np.asarray(want, np.float64)
    error = np.linalg.norm(got - want) / max(1e-300, np.linalg.norm(want))
    if not error <= relative:
        raise ValueError(f"{what} differs by {error:.3g} of its norm")


def focal_loss(peer, case, device):
    if device == "cpu" and case.dtype == "float16":
        raise ImportError("torch computes no float16 on the processor")
    x, labels = tensor(case.x, device, case.dtype), tensor(case.labels, device)
    # float32 sums of 128 M terms and half-precision intermediates are the peers' own; ours is checked by itself.
    rough = 1e-3 if case.dtype == "float32" else 5e-2

    def verify(result):
        loss, grad = result
        if case.dtype == "float16" and not torch.isfinite(loss):
            raise ImportError("its sum overflows float16")
        total, want = case.result(1000)
        near(loss, total, rough, "the loss")
        if grad is not None:
            near(grad[:1000], want, rough, "the gradient")

    functions = (peers_focal.function_of(peer, x, labels, with_grad) for with_grad in (False, True))
    return {name: (function, verify) for name, function in zip(case.calls, functions)}


def matched(anchors, boxes, offsets):
    matcher = det_utils.Matcher(0.5, 0.4, True)
    images = zip(offsets, offsets[1:])
    return [matcher(box_iou(boxes[first:end], anchors)) for first, end in images]


def assign(_, case, device):
    scene = case.scene
    anchors, boxes = tensor(scene.anchors, device), tensor(scene.boxes, device)

    def verify(result):
        for image, (got, want) in enumerate(zip(case.result(), result)):
            got = np.where(got >= 0, got - scene.offsets[image], got)
            # Where its overlaps are contracted, a tie or a threshold may fall otherwise.
            if (got != want.cpu().numpy()).mean() > 1e-4:
                raise ValueError(f"the matches of image {image} are others")

    return {name: (lambda: matched(anchors, boxes, scene.offsets), verify) for name in case.calls}


def retinanet_loss(_, case, device):
    scene = case.scene
    x, d = tensor(case.x, device, case.dtype), tensor(case.d, device, case.dtype)
    anchors, boxes, labels = (tensor(array, device) for array in (scene.anchors, scene.boxes, scene.labels))
    # Of half precision torch rounds what is between as well.
    rough = 1e-3 if case.dtype == "float32" else 5e-2

    def verify(result):
        sums, class_grad, box_grad = case.result()
        near(result[0], sums[0], rough, "the loss")
        near(result[1][:, ::97], class_grad[:, ::97], rough, "the gradient")
        near(result[2], box_grad, rough, "the gradient of the deltas")

    function = lambda: torch_retinanet_loss(x, d, anchors, boxes, labels, scene.offsets)
    return {name: (function, verify) for name in case.calls}


def torch_retinanet_loss(logits, deltas, anchors, boxes, labels, offsets):
    """RetinaNet's compute_loss, its mean over the images replaced by the sum over all positives, as ours."""
    coder = det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    logits, deltas = logits.detach().requires_grad_(), deltas.detach().requires_grad_()
    class_loss = box_loss = positives = 0
    for b, matches in enumerate(matched(anchors, boxes, offsets)):
        found = matches >= 0
        rows = matches[found] + offsets[b]
        targets = torch.zeros_like(logits[b])
        targets[found, labels[rows].long()] = 1
        valid = matches != -2
        class_loss = class_loss + sigmoid_focal_loss(logits[b][valid], targets[valid], ALPHA, GAMMA, "sum")
        wanted = coder.encode_single(boxes[rows], anchors[found])
        box_loss = box_loss + F.smooth_l1_loss(deltas[b][found].float(), wanted, reduction="sum", beta=cases.BETA)
        positives = positives + found.sum()
    loss = (class_loss + box_loss) / positives.clamp(min=1)
    return (loss.detach(), *torch.autograd.grad(loss, (logits, deltas)))


def nms(_, case, device):
    boxes, scores = tensor(case.boxes, device), tensor(case.scores, device)

    def verify(kept):
        # Its kernel contracts the overlap: next to the threshold it may decide otherwise, and then so may what follows.
        ours, theirs = set(case.result().tolist()), set(kept.tolist())
        if len(ours ^ theirs) > max(2, len(ours) // 1000):
            raise ValueError(f"{len(ours ^ theirs)} of {len(ours)} kept boxes are others")

    return {name: (lambda: torchvision.ops.nms(boxes, scores, 0.5), verify) for name in case.calls}


def decode_detections(_, case, device):
    scene, (score, top_k, threshold, most) = case.scene, case.settings
    x, d, anchors = tensor(case.x, device), tensor(case.d, device), tensor(scene.anchors, device)
    model = types.SimpleNamespace(
        **dict(box_coder=det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0)), score_thresh=score, topk_candidates=top_k),
        **dict(nms_thresh=threshold, detections_per_img=most),
    )

    def function():
        counts = scene.grid.counts
        head = {"cls_logits": list(x.split(counts, 1)), "bbox_regression": list(d.split(counts, 1))}
        levels = [list(anchors.split(counts))] * len(x)
        return RetinaNet.postprocess_detections(model, head, levels, [scene.size] * len(x))

    def verify(result):
        scores, _, offsets = case.result()
        for image, want in enumerate(result):
            got = scores[offsets[image] : offsets[image + 1]]
            # torchvision sorts equal float32 scores as it likes, and offsets coordinates by class: scores agree roughly.
            same = min(len(want["scores"]), len(got))
            if abs(len(want["scores"]) - len(got)) > 3:
                raise ValueError(f"{len(got)} detections, torchvision has {len(want['scores'])}")
            near(want["scores"][:same], got[:same], 1e-2, "the scores")

    return {name: (function, verify) for name in case.calls}


VERIFIED = {
    **{cases.FocalLoss: focal_loss, cases.Assign: assign, cases.RetinanetLoss: retinanet_loss},
    **{cases.Nms: nms, cases.DecodeDetections: decode_detections},
}
