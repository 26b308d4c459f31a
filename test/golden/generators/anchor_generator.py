"""anchor-generator.json: the anchors of torchvision's RetinaNet, as checksums of all of them, and some levels in full."""

import zlib

import numpy as np
import torch

from golden import array, write
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

RETINANET = tuple((x, int(x * 2 ** (1.0 / 3)), int(x * 2 ** (2.0 / 3))) for x in [32, 64, 128, 256, 512])
RATIOS = (0.5, 1.0, 2.0)


def pyramid(height, width):
    """Sizes of P3 to P7: every level halves the one before, odd sides rounded up."""
    sizes, (rows, columns) = [], (height, width)
    for level in range(1, 8):
        rows, columns = -(-rows // 2), -(-columns // 2)
        if level >= 3:
            sizes.append((rows, columns))
    return sizes


def one(height, width, sizes, ratios, features, full):
    generator = AnchorGenerator(sizes, (ratios,) * len(sizes))
    images = ImageList(torch.zeros(1, 3, height, width), [(height, width)])
    anchors = generator(images, [torch.zeros(1, 1, *size) for size in features])[0].numpy()
    data = np.ascontiguousarray(anchors, "<f4")
    case = {
        "imageHeight": height,
        "imageWidth": width,
        "featureSizes": features,
        "sizes": sizes,
        "aspectRatios": ratios,
        "count": len(anchors),
        "crc32": zlib.crc32(data.tobytes()),
        "first": data[:9].tolist(),
        "last": data[-9:].tolist(),
    }
    return {**case, "anchors": array(data, "float32")} if full else case


def generate():
    images = [(800, 800), (800, 1344), (1344, 800), (800, 1056), (800, 1088), (608, 1024), (640, 640), (32, 32)]
    images += [(96, 64), (736, 1333), (801, 1067), (224, 320)]
    cases = [one(h, w, RETINANET, RATIOS, pyramid(h, w), h * w < 4096) for h, w in images]
    odd = ((5, 7, 9), (21, 33, 100))
    cases.append(one(64, 96, odd, (0.25, 0.7, 1.0, 3.0, 4.0), [(7, 10), (3, 3)], True))
    write("anchor-generator.json", cases)
