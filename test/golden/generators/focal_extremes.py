"""focal-extremes.json: focal losses in numbers of 400 bits."""

import mpmath
import numpy as np

from golden import array, write


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


def generate():
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
    write(
        "focal-extremes.json",
        [{"logits": array(logits, "float32"), "targets": array(targets, "float32"), "runs": runs}],
    )
