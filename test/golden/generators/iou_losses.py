"""iou-losses.json: torchvision's generalized, distance and complete IoU loss, in float64."""

import numpy as np
import torch

from golden import array, random_boxes, write
from torchvision.ops import complete_box_iou_loss, distance_box_iou_loss, generalized_box_iou_loss

LOSSES = {"giou": generalized_box_iou_loss, "diou": distance_box_iou_loss, "ciou": complete_box_iou_loss}


def pairs(rng, count):
    """Boxes far and near; a quarter near their targets, some with sides in common, some without area."""
    predictions, targets = random_boxes(rng, count), random_boxes(rng, count)
    near = slice(0, count // 4)
    predictions[near] = targets[near] + rng.normal(0, 1, targets[near].shape).astype(np.float32)
    predictions[::9] = targets[::9]
    predictions[1::9, :2] = targets[1::9, :2]
    predictions[2::9] = predictions[2::9].round()
    targets[2::9] = targets[2::9].round()
    return predictions, targets


def degenerate():
    box = np.array([10, 20, 40, 50], np.float32)
    flat, point = np.array([10, 20, 10, 50], np.float32), np.array([30, 30, 30, 30], np.float32)
    far, touching = box + 1000, box + np.array([30, 0, 30, 0], np.float32)
    sides = [box, flat, point, far, touching]
    return np.array([p for p in sides for _ in sides]), np.array([t for _ in sides for t in sides])


def generate():
    rng = np.random.default_rng(17)
    cases = []
    for predictions, targets in (pairs(rng, 90), degenerate()):
        runs = []
        for name, loss in LOSSES.items():
            x = torch.tensor(predictions, dtype=torch.float64, requires_grad=True)
            none = loss(x, torch.tensor(targets, dtype=torch.float64))
            (grad,) = torch.autograd.grad(none.sum(), x)
            run = {"loss": name, "value": array(none.detach().numpy(), "float64")}
            runs.append({**run, "grad": array(grad.numpy(), "float64")})
        cases.append({"predictions": array(predictions, "float32"), "targets": array(targets, "float32"), "runs": runs})
    write("iou-losses.json", cases)
