"""What others do with the same data: torchvision as it is, the same formulas under torch.compile, a Triton kernel.

Each peer is a function of no arguments, or None where it cannot run here; the caller checks its result before timing it."""
import types

import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.detection import _utils as det_utils
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.ops import box_iou, sigmoid_focal_loss

ALPHA, GAMMA = 0.25, 2.0

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = None


def missing():
    """Sentences about what is absent, for the report."""
    if not hasattr(torch, "compile"):
        yield f"torch.compile: torch {torch.__version__} has none"
    if triton is None:
        yield "Triton: not installed"
    for name in ("apex.contrib.focal_loss", "mmcv.ops"):
        try:
            __import__(name)
        except ImportError:
            yield f"{name}: not installed"


# --- focal loss -----------------------------------------------------------------------------------------------------


def formula(x, t):
    """torchvision's, written out for the compiler."""
    x = x.float()
    p = torch.sigmoid(x)
    ce = F.softplus(x) - x * t
    p_t = p * t + (1 - p) * (1 - t)
    return (ce * (1 - p_t) ** GAMMA * (ALPHA * t + (1 - ALPHA) * (1 - t))).sum()


def formula_of_labels(x, labels):
    classes = torch.arange(x.shape[1], device=x.device)
    return formula(x, (labels[:, None] == classes).float())


def with_gradient(function):
    def run(x, t):
        x = x.detach().requires_grad_()
        loss = function(x, t)
        return loss.detach(), torch.autograd.grad(loss, x)[0]

    return run


def without_gradient(function):
    def run(x, t):
        with torch.no_grad():
            return function(x, t), None

    return run


def focal_peers(x, labels, with_grad):
    """{name: function giving (loss, gradient)} on logits and labels without ignored rows."""
    wrap = with_gradient if with_grad else without_gradient
    targets = (labels[:, None] == torch.arange(x.shape[1], device=x.device)).to(x.dtype)
    eager = wrap(lambda x, t: sigmoid_focal_loss(x, t, ALPHA, GAMMA, "sum"))
    peers = {"torchvision": lambda: eager(x, targets)}
    if hasattr(torch, "compile") and x.is_cuda:
        one_hot, by_label = wrap(torch.compile(formula)), wrap(torch.compile(formula_of_labels))
        peers["torch.compile, one-hot"] = lambda: one_hot(x, targets)
        peers["torch.compile, labels"] = lambda: by_label(x, labels)
    if triton is not None and x.is_cuda:
        peers["Triton"] = lambda: triton_focal(x, labels, with_grad)
    try:
        from mmcv.ops import sigmoid_focal_loss as of_mmcv

        # mmcv counts the background as one class more.
        shifted = torch.where(labels < 0, x.shape[1], labels).long()
        mmcv = wrap(lambda x, t: of_mmcv(x, t, GAMMA, ALPHA, None, "sum"))
        peers["mmcv"] = lambda: mmcv(x, shifted)
    except ImportError:
        pass
    try:
        from apex.contrib.focal_loss.focal_loss import focal_loss as of_apex

        one = torch.ones(1, device=x.device)
        apex = wrap(lambda x, t: of_apex(x, t, one, x.shape[1], ALPHA, GAMMA, 0.0))
        peers["apex"] = lambda: apex(x, labels.long())
    except ImportError:
        pass
    return peers


if triton is not None:

    @triton.jit
    def focal_kernel(
        x_ptr, label_ptr, grad_ptr, sums_ptr, size, classes: tl.constexpr, WITH_GRAD: tl.constexpr, BLOCK: tl.constexpr
    ):
        # One exponential and one logarithm an element, gamma = 2, alpha = 0.25.
        i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        inside = i < size
        x = tl.load(x_ptr + i, mask=inside, other=-100.0).to(tl.float32)
        label = tl.load(label_ptr + i // classes, mask=inside, other=-1)
        hit = label == (i % classes).to(tl.int32)
        z = tl.where(hit, -x, x)  # the logit of being wrong
        e = tl.exp(-tl.abs(z))
        q = tl.where(z >= 0, 1.0, e) / (1.0 + e)
        ce = tl.maximum(z, 0.0) + tl.log(1.0 + e)
        weight = tl.where(hit, 0.25, 0.75)
        tl.store(sums_ptr + tl.program_id(0), tl.sum(tl.where(inside, weight * q * q * ce, 0.0), axis=0))
        if WITH_GRAD:
            slope = weight * q * q * (2.0 * (1.0 - q) * ce + q)
            slope = tl.where(hit, -slope, slope)
            tl.store(grad_ptr + i, slope.to(grad_ptr.dtype.element_ty), mask=inside)


def triton_focal(x, labels, with_grad, block=4096):
    grad = torch.empty_like(x) if with_grad else x
    blocks = triton.cdiv(x.numel(), block)
    sums = torch.empty(blocks, device=x.device)
    focal_kernel[(blocks,)](x, labels, grad, sums, x.numel(), x.shape[1], with_grad, block, num_warps=8)
    return sums.sum(dtype=torch.float64), grad if with_grad else None


# --- the rest -------------------------------------------------------------------------------------------------------


def assign(anchors, boxes, offsets):
    matcher = det_utils.Matcher(0.5, 0.4, True)
    images = zip(offsets, offsets[1:])
    return [matcher(box_iou(boxes[first:end], anchors)) for first, end in images]


def retinanet_loss(logits, deltas, anchors, boxes, labels, offsets):
    """RetinaNet's compute_loss, its mean over the images replaced by the sum over all positives, as ours."""
    coder = det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    logits, deltas = logits.detach().requires_grad_(), deltas.detach().requires_grad_()
    class_loss = box_loss = positives = 0
    for b, matches in enumerate(assign(anchors, boxes, offsets)):
        found = matches >= 0
        rows = matches[found] + offsets[b]
        targets = torch.zeros_like(logits[b])
        targets[found, labels[rows].long()] = 1
        valid = matches != -2
        class_loss = class_loss + sigmoid_focal_loss(logits[b][valid], targets[valid], ALPHA, GAMMA, "sum")
        wanted = coder.encode_single(boxes[rows], anchors[found])
        box_loss = box_loss + F.smooth_l1_loss(deltas[b][found].float(), wanted, reduction="sum", beta=1 / 9)
        positives = positives + found.sum()
    loss = (class_loss + box_loss) / positives.clamp(min=1)
    return (loss.detach(), *torch.autograd.grad(loss, (logits, deltas)))


def nms(boxes, scores, threshold):
    return torchvision.ops.nms(boxes, scores, threshold)


def decode_detections(logits, deltas, anchors, counts, size, settings):
    score, top_k, threshold, most = settings
    model = types.SimpleNamespace(
        **dict(box_coder=det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0)), score_thresh=score, topk_candidates=top_k),
        **dict(nms_thresh=threshold, detections_per_img=most),
    )
    head = {"cls_logits": list(logits.split(counts, 1)), "bbox_regression": list(deltas.split(counts, 1))}
    levels = [list(anchors.split(counts))] * len(logits)
    return RetinaNet.postprocess_detections(model, head, levels, [size] * len(logits))
