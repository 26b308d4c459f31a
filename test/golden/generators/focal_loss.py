"""focal-loss.json: torchvision's sigmoid_focal_loss."""

import numpy as np
import torch

from golden import array, write
from torchvision.ops import sigmoid_focal_loss


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
        targets.flat[::5] = rng.integers(0, 2, targets.flat[::5].shape)
    return logits, targets


def generate():
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
