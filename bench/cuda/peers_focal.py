"""The peers of the focal loss: torchvision, its formula under torch.compile, a Triton kernel, mmcv and apex where they are."""

import torch
import torch.nn.functional as F

from cases import ALPHA, GAMMA
from torchvision.ops import sigmoid_focal_loss

try:
    import triton
    import triton.language as tl
except ImportError:
    triton = None


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


def function_of(peer, x, labels, with_grad):
    """A function that gives (loss, gradient) of logits and of labels without ignored rows."""
    wrap = with_gradient if with_grad else without_gradient
    if peer == "triton":
        if triton is None or not x.is_cuda:
            raise ImportError("Triton is not installed, or there is no GPU")
        return lambda: triton_focal(x, labels, with_grad)
    if peer in ("mmcv", "apex") and x.dtype == torch.bfloat16:
        raise ImportError(f"{peer} has no kernel for bfloat16")
    if peer == "mmcv":
        from mmcv.ops import sigmoid_focal_loss as of_mmcv

        # mmcv counts the background as one class more.
        shifted = torch.where(labels < 0, x.shape[1], labels).long()
        function = wrap(lambda x, t: of_mmcv(x, t, GAMMA, ALPHA, None, "sum"))
        return lambda: function(x, shifted)
    if peer == "apex":
        from apex.contrib.focal_loss.focal_loss import focal_loss as of_apex

        one = torch.ones(1, device=x.device)
        function = wrap(lambda x, t: of_apex(x, t, one, x.shape[1], ALPHA, GAMMA, 0.0))
        return lambda: function(x, labels.long())
    if peer == "compile-labels":
        function = wrap(compiled(formula_of_labels, x))
        return lambda: function(x, labels)
    targets = (labels[:, None] == torch.arange(x.shape[1], device=x.device)).to(x.dtype)
    eager = lambda x, t: sigmoid_focal_loss(x, t, ALPHA, GAMMA, "sum")
    function = wrap(compiled(formula, x) if peer == "compile-one-hot" else eager)
    return lambda: function(x, targets)


def compiled(function, x):
    if not hasattr(torch, "compile") or not x.is_cuda:
        raise ImportError(f"torch {torch.__version__} has no torch.compile, or there is no GPU")
    return torch.compile(function)


if triton is not None:

    @triton.jit
    def focal_kernel(  # noqa: PLR0913 (a kernel, whose arguments cross one by one)
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
