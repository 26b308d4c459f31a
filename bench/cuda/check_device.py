"""Checks of what only device arrays have: any alignment, and more elements than 32 bits count."""

import numpy as np

import reference
from compare import Skipped, check, close, equal, random_boxes, random_truth
from operations import Grid, Operations, bfloat16_bits, to_dtype, to_float32
from plugin import DTYPES, Buffer, Failure, PerClass

DTYPE_NAMES = ("float32", "float16", "bfloat16")


@check(device=True)
def misaligned_logits(plugin, _):
    """Logits and gradients at every address that their type allows: elements to the bit, sums but for their order."""
    rng = np.random.default_rng(7)
    aligned = Operations(plugin, "device")
    for rows, classes in ((67, 7), (41, 80)):
        x, labels = rng.normal(-3, 3, (rows, classes)), rng.integers(-2, classes, rows).astype(np.int32)
        for dtype in DTYPE_NAMES:
            logits = to_float32(to_dtype(x.astype(np.float32), dtype), dtype)
            want = aligned.focal_loss(logits, labels, dtype=dtype)
            for shift in range(1, 4 if dtype == "float32" else 8):
                for grad in (shift, 0, 1):
                    ops = Operations(plugin, "device", shifts=dict(logits=shift, grad=grad, losses=grad % 4))
                    same(ops.focal_loss(logits, labels, dtype=dtype), want)


@check(device=True)
def misaligned_arrays(plugin, _):
    """The other operations, every array one element past an aligned address."""
    rng = np.random.default_rng(8)
    one = {
        name: 1
        for name in ("class_logits", "box_deltas", "class_grad", "box_grad", "boxes", "scores", "a", "b", "out", "keep")
    }
    aligned, shifted = Operations(plugin, "device"), Operations(plugin, "device", shifts=one)
    grid = Grid(64, 96, [8, 16, 32], [32, 64, 128], [1], [0.5, 1, 2])
    truth = random_truth(rng, [3, 2], 80, 5)
    logits, deltas = rng.normal(-3, 2, (2, grid.count, 5)), rng.normal(0, 0.5, (2, grid.count, 4))
    for dtype in DTYPE_NAMES:
        x, d = (to_float32(to_dtype(v.astype(np.float32), dtype), dtype) for v in (logits, deltas))
        same(*(ops.retinanet_loss(x, d, grid, truth, dtype=dtype) for ops in (shifted, aligned)))
        same(*(ops.decode_detections(x, d, grid, grid.counts, (64, 96), dtype=dtype) for ops in (shifted, aligned)))
    boxes, scores = random_boxes(rng, 130, 60, 4, 30), rng.random(130, np.float32)
    equal(shifted.nms(boxes, scores, 0.5), reference.nms(boxes, scores, 0.5))
    equal(shifted.box_iou(boxes, boxes[:7]), reference.iou(boxes, boxes[:7]))
    equal(shifted.clip_boxes(boxes, 40, 50), aligned.clip_boxes(boxes, 40, 50))
    for name in ("encode_boxes", "decode_boxes"):
        same(*([getattr(ops, name)(grid, np.tile(boxes, (9, 1))[: grid.count])] for ops in (shifted, aligned)))


def same(got, want):
    """Arrays to the bit; numbers but for the order of a sum."""
    for a, b in zip(got, want):
        close(a, b, 1e-6) if np.ndim(a) == 0 else equal(a, b)


@check(device=True)
def many_logits(plugin, count):
    """More than 2^31 of them where memory allows: rows of a tile, over and over, the gradient in their place."""
    classes, tile_rows = 80, 1024
    tiles = count // (classes * tile_rows) + 1
    rng = np.random.default_rng(9)
    tile = bfloat16_bits(rng.normal(-4, 1.5, (tile_rows, classes)).astype(np.float32))
    tile_labels = rng.integers(-2, classes, tile_rows).astype(np.int32)
    _, want, total, positives = Operations(plugin, "device").focal_loss(
        to_float32(tile, "bfloat16"), tile_labels, dtype="bfloat16"
    )
    try:
        logits, labels = (repeated(plugin, array, tiles) for array in (tile, tile_labels))
    except Failure as failure:
        if not failure.out_of_memory:
            raise
        raise Skipped(f"{tiles * tile.nbytes / 2**30:.1f} GiB are not to be had") from None
    sums, parameters = Buffer.of(plugin, np.zeros(2)), [np.array([v]) for v in (0.25, 2.0)]
    alpha, gamma = (PerClass(values=v.ctypes.data, count=1) for v in parameters)
    fields = {
        **dict(dtype=DTYPES["bfloat16"], logits=logits.address, grad=logits.address, labels=labels.address),
        **dict(rows=tiles * tile_rows, classes=classes, alpha=alpha, gamma=gamma, normalizer=1.0),
        **dict(loss_sum=sums.address, num_positive=sums.address + 8),
    }
    plugin.run("focal_loss", **fields)
    got = sums.read(np.zeros(2))
    close(got[0], tiles * total, 1e-9)
    equal(got[1], tiles * positives)
    of_tile = to_dtype(want, "bfloat16")
    for at in sorted({0, (1 << 31) // tile.size, tiles // 2, tiles - 1}):
        if at < tiles:
            equal(logits.read(tile, at * tile.nbytes), of_tile)
    return f"{tiles * tile.size} logits"


def repeated(plugin, array, times):
    """The array's bytes so many times in device memory."""
    buffer = Buffer(plugin, times * array.nbytes).write(array)
    done = array.nbytes
    while done < buffer.size:
        part = min(done, buffer.size - done)
        buffer.copy(done, 0, part)
        done += part
    return buffer
