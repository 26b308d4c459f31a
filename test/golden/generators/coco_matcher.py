"""coco-matcher.txt: torchvision's Matcher on every image of COCO val2017, from coco_val2017_boxes.txt in $COCO. Takes two minutes."""

import os
import zlib

import numpy as np

from golden import FOLDER, anchor_grid
from matcher import match

COCO = os.environ.get("COCO", os.path.join(FOLDER, "..", "..", "..", "shared", "data"))


def generate():
    scales = [1, 2 ** (1 / 3), 2 ** (2 / 3)]
    strides = [8, 16, 32, 64, 128]
    anchors = np.concatenate(anchor_grid(640, 640, strides, [4 * s for s in strides], scales, [0.5, 1, 2]))
    lines = []
    with open(os.path.join(COCO, "coco_val2017_boxes.txt")) as file:
        for line in file:
            name, *rows = line.split()
            boxes = np.array([[float(v) for v in row.split(",")[:4]] for row in rows], np.float32).reshape(-1, 4)
            boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
            if len(boxes) == 0:
                matches = np.full(len(anchors), -1, np.int32)
            else:
                matches, _ = match(boxes, anchors, 0.5, 0.4, True)
            name = os.path.splitext(os.path.basename(name))[0]
            lines.append("%s %08x %d\n" % (name, zlib.crc32(matches.astype("<i4").tobytes()), (matches >= 0).sum()))
    with open(os.path.join(FOLDER, "coco-matcher.txt"), "w") as file:
        file.write(
            "# COCO val2017 on a 640x640 grid: image, CRC-32 of torchvision's matches (int32, little-endian), positives\n"
        )
        file.write("anchors %08x %d\n" % (zlib.crc32(anchors.astype("<f4").tobytes()), len(anchors)))
        file.writelines(lines)
    print("coco-matcher.txt", len(lines), "images")
