"""smooth-l1.json: torch's smooth L1 loss."""

import numpy as np
import torch
import torch.nn.functional as F

from golden import array, write


def generate():
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
