"""The IoU losses against the golden vectors of test/golden, which torchvision made."""

import numpy as np

from compare import check, close, golden


@check
def iou_losses_are_torchvisions(ops):
    for case in golden("iou-losses.json"):
        for run in case["runs"]:
            losses, grad, total = ops.regression_loss(f"RN_{run['loss'].upper()}", case["predictions"], case["targets"])
            assert np.isfinite(losses).all() and np.isfinite(grad).all()
            known = np.isfinite(run["value"])  # torchvision has no complete IoU of two boxes without area
            close(losses[known], run["value"][known], 1e-6, absolute=1e-12)
            close(grad[known], run["grad"][known], 1e-6, absolute=1e-9)
            close(total, losses.astype(np.float64).sum(), 1e-6)
