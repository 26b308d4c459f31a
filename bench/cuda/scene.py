"""The anchors and the ground truth that several benchmarks share."""

import numpy as np

import reference
from operations import Grid, unwritten
from plugin import DEVICE, HOST, Anchors, Buffer, GroundTruth

CLASSES, SCALES, RATIOS = 80, [1, 2 ** (1 / 3), 2 ** (2 / 3)], [0.5, 1, 2]
STRIDES = [8, 16, 32, 64, 128]


class Scene:
    """The anchors of an 800x1344 image, and 16 images with 300 boxes each."""

    def __init__(self, b):
        self.size, images, boxes = ((96, 128), 2, 6) if b.quick else ((800, 1344), 16, 300)
        self.grid = Grid(*self.size, STRIDES, [4 * s for s in STRIDES], SCALES, RATIOS)
        centre = b.random.random((images * boxes, 2)) * self.size[::-1]
        side = 8 + b.random.random((images * boxes, 2)) ** 2 * (self.size[0] / 2)
        self.boxes = np.concatenate([centre - side / 2, centre + side / 2], 1).astype(np.float32)
        self.labels = b.random.integers(0, CLASSES, len(self.boxes)).astype(np.int32)
        self.offsets, self.images = np.arange(0, len(self.boxes) + 1, boxes, dtype=np.int32), images
        self.anchors = unwritten((self.grid.count, 4))
        b.plugin.run("grid_boxes", HOST, anchors=self.grid.describe(), out=self.anchors.ctypes.data)
        self.buffers = [Buffer.of(b.plugin, array) for array in (self.boxes, self.labels, self.anchors)]
        self.truth = GroundTruth(
            **dict(memory=DEVICE, images=images, boxes=self.buffers[0].address, labels=self.buffers[1].address),
            offsets=self.offsets.ctypes.data,
        )

    def described(self, form):
        if form == "grid":
            return self.grid.describe()
        return Anchors(count=self.grid.count, boxes=self.buffers[2].address)

    def matches(self, image):
        boxes = self.boxes[self.offsets[image] : self.offsets[image + 1]]
        found = reference.match(self.anchors, boxes, 0.5, 0.4, True)
        return np.where(found >= 0, found + self.offsets[image], found)
