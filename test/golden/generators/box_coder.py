"""box-coder.json: torchvision's box coder, clipping and overlaps."""

import numpy as np
import torch

from golden import array, random_boxes, write
from torchvision.models.detection import _utils as det_utils
from torchvision.ops import boxes as box_ops


def generate():
    rng = np.random.default_rng(3)
    coder = det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    weights = (10.0, 8.0, 5.0, 3.0)
    weighted = det_utils.BoxCoder(weights)
    cases = []
    for count, extent in ((1, 50), (33, 100), (64, 1333)):
        anchors = random_boxes(rng, count, extent, 4, extent / 2)
        boxes = random_boxes(rng, count, extent, 2, extent / 2)
        deltas = rng.normal(0, 1, (count, 4)).astype(np.float32)
        deltas[::7, 2:] = [4.2, 9.0]  # log(1000/16) = 4.135: both sides clip
        deltas[1::7, 2:] = [100.0, -100.0]
        deltas[2::7, 2:] = [4.13, 4.14]
        a, b, d = (torch.from_numpy(v).double() for v in (anchors, boxes, deltas))
        decoded = coder.decode_single(d, a)
        clipped = box_ops.clip_boxes_to_image(
            torch.from_numpy(decoded.numpy().astype(np.float32)), (extent, extent + 7)
        )
        cases.append(
            {
                "anchors": array(anchors, "float32"),
                "boxes": array(boxes, "float32"),
                "deltas": array(deltas, "float32"),
                "encoded": array(coder.encode_single(b, a).numpy(), "float64"),
                "decoded": array(decoded.numpy(), "float64"),
                "weights": weights,
                "encodedByWeights": array(weighted.encode_single(b, a).numpy(), "float64"),
                "decodedByWeights": array(weighted.decode_single(d * torch.tensor(weights), a).numpy(), "float64"),
                "height": extent,
                "width": extent + 7,
                "clipped": array(clipped.numpy(), "float32"),
                "iou": array(
                    box_ops.box_iou(torch.from_numpy(anchors[:16]), torch.from_numpy(boxes[:9])).numpy(), "float32"
                ),
            }
        )
    write("box-coder.json", cases)
