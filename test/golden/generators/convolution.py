"""convolution.json: torch's convolutions and both their gradients, of whole numbers, so that every sum is exact in float32."""

import numpy as np
import torch
import torch.nn.functional as F

from golden import write

# input [images, height, width, channels], filter [height, width, channels, filters], stride, padding, dilation
GEOMETRIES = [
    ([2, 5, 4, 3], [3, 3, 3, 2], (1, 1), ((1, 1), (1, 1)), (1, 1)),
    ([1, 6, 7, 2], [2, 4, 2, 3], (1, 1), ((0, 1), (1, 2)), (1, 1)),
    ([1, 7, 8, 3], [3, 3, 3, 4], (2, 2), ((1, 1), (0, 1)), (1, 1)),
    ([1, 9, 8, 2], [2, 1, 2, 3], (3, 4), ((0, 0), (0, 0)), (1, 1)),
    ([1, 7, 9, 2], [3, 2, 2, 3], (1, 1), ((2, 2), (1, 1)), (2, 3)),
    ([1, 9, 7, 2], [3, 3, 2, 2], (2, 3), ((3, 2), (1, 4)), (3, 2)),
    ([1, 2, 3, 2], [5, 7, 2, 2], (1, 1), ((2, 2), (3, 3)), (1, 1)),
    ([2, 4, 3, 17], [1, 1, 17, 9], (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ([2, 5, 6, 5], [1, 1, 5, 6], (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ([1, 6, 4, 3], [2, 2, 3, 5], (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ([3, 1, 1, 4], [3, 3, 4, 3], (1, 1), ((1, 1), (1, 1)), (1, 1)),
    ([0, 4, 4, 2], [3, 3, 2, 2], (1, 1), ((1, 1), (1, 1)), (1, 1)),
    ([1, 8, 10, 3], [7, 7, 3, 2], (2, 2), ((2, 3), (2, 3)), (1, 1)),
]


def numbers(tensor, order):
    return [int(value) for value in tensor.permute(order).reshape(-1)]


def generate():
    rng = np.random.default_rng(11)
    cases = []
    for image, kernel, strides, pad, dilations in GEOMETRIES:
        x, w = (torch.tensor(rng.integers(-4, 5, shape), dtype=torch.float64) for shape in (image, kernel))
        x = x.permute(0, 3, 1, 2).contiguous().requires_grad_()
        w = w.permute(3, 2, 0, 1).contiguous().requires_grad_()
        (top, bottom), (left, right) = pad
        y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, stride=strides, dilation=dilations)
        dy = torch.tensor(rng.integers(-4, 5, y.shape), dtype=torch.float64)
        dx, dw = torch.autograd.grad(y, (x, w), dy)
        options = {"inputShape": image, "filterShape": kernel, "strides": strides, "pad": pad, "dilations": dilations}
        nhwc, hwio = (0, 2, 3, 1), (2, 3, 1, 0)
        arrays = {"input": (x, nhwc), "filter": (w, hwio), "output": (y, nhwc), "outputGrad": (dy, nhwc)}
        arrays.update({"inputGrad": (dx, nhwc), "filterGrad": (dw, hwio)})
        cases.append({"options": options, **{name: numbers(*of) for name, of in arrays.items()}})
    write("convolution.json", cases)
