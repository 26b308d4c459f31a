"""Checks of what other frameworks do otherwise: anchors, the box coder's weights, the normalizer per image."""

import numpy as np

import reference
from compare import check, close, equal, random_truth
from operations import AnchorList, Grid

WEIGHTS = (10.0, 10.0, 5.0, 2.5)


def grids():
    """Offsets, strides by axis, more and fewer cells than the image has, whole half sizes, anchors past every edge."""
    ratios, scales = [0.5, 1, 2], [1, 2 ** (1 / 3)]
    yield Grid(96, 128, [8, 16, 32], [32, 64, 128], scales, ratios, offset=0.0)
    yield Grid(96, 128, [(8, 11.5), 16, (32, 21)], [32, 64, 128], scales, ratios, offset=0.3)
    yield Grid(96, 128, [8, 16, 61], [32, 64, 256], [1], ratios, offset=0.0, cells=[(13, 15), (5, 10), (2, 3)])
    yield Grid(96, 128, [8, 16], [24, 64], [1], [1.0], offset=1.0, cells=[(12, 16), (6, 8)])


@check
def grids_of_other_conventions_match_exhaustively(ops):
    rng = np.random.default_rng(21)
    truth = random_truth(rng, [5, 0, 40, 1], 110, 80)
    for grid in grids():
        boxes = ops.grid_boxes(grid)
        want = []
        for b in range(4):
            found = reference.match(boxes, truth[0][truth[2][b] : truth[2][b + 1]], 0.5, 0.4, True)
            want.append(np.where(found >= 0, found + truth[2][b], found))
        want = np.concatenate(want)
        for anchors in (grid, AnchorList(boxes)):
            _, matches, positives, _ = ops.assign(anchors, truth, 0.5, 0.4, True)
            equal(matches, want)
            rows, targets = ops.positive_targets(anchors, truth[0], matches, positives.sum(), WEIGHTS)
            encoded = reference.encode(boxes[rows % grid.count], truth[0][want[rows]]) * WEIGHTS
            close(targets, encoded, 1e-5, absolute=5e-5 * np.array(WEIGHTS))


@check
def weights_of_the_coder(ops):
    rng = np.random.default_rng(22)
    for grid in grids():
        anchors = ops.grid_boxes(grid)
        deltas = rng.normal(0, 0.5, anchors.shape).astype(np.float32)
        plain = ops.decode_boxes(grid, deltas / np.float32(WEIGHTS))
        equal(ops.decode_boxes(grid, deltas, WEIGHTS), plain)
        close(ops.encode_boxes(grid, plain, WEIGHTS), deltas, 1e-4, absolute=2e-5 * np.array(WEIGHTS))


@check
def losses_divided_by_image(ops):
    """The mean of what the images give by themselves."""
    rng = np.random.default_rng(23)
    truth = random_truth(rng, [3, 0, 9], 80, 5)
    for grid in grids():
        x = rng.normal(-3, 2, (3, grid.count, 5)).astype(np.float32)
        d = rng.normal(0, 0.5, (3, grid.count, 4)).astype(np.float32)
        dtypes = ("float32", "float16", "bfloat16") if ops.memory == "device" else ("float32",)
        for dtype in dtypes:
            options = dict(dtype=dtype, weights=WEIGHTS)
            *sums, class_grad, box_grad = ops.retinanet_loss(x, d, grid, truth, by_image=True, **options)
            boxes, labels, offsets = truth
            alone = []
            for b in range(3):
                rows = slice(offsets[b], offsets[b + 1])
                own = boxes[rows], labels[rows], np.array([0, offsets[b + 1] - offsets[b]], np.int32)
                alone.append(ops.retinanet_loss(x[b : b + 1], d[b : b + 1], grid, own, **options))
            for k, value in enumerate(sums):
                mean = sum(image[k] for image in alone) / (1 if k == 3 else 3)
                close(value, mean, 1e-6)
            ulp = {"float32": 1e-6, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
            tiny = 2.0**-24 if dtype == "float16" else 1e-12
            for grad, k in ((class_grad, 4), (box_grad, 5)):
                close(grad, np.concatenate([image[k] for image in alone]) / 3, ulp, absolute=tiny)
