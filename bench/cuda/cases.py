"""What is timed: data in the device's memory, calls on it, and the check of their results before.

A case has `calls`: {name: (call, bytes moved or None, its limit or None)}, `check()`, and `peers`, those of peers.py that do the same."""

import ctypes
import functools

import numpy as np

import reference
from operations import EVEN, coder, match_options, to_dtype, to_float32, unwritten
from plugin import DEVICE, DTYPES, HOST, Buffer, PerClass
from scene import CLASSES, Scene

ALPHA, GAMMA, BETA = 0.25, 2.0, 1 / 9
# Of logits. A warp takes a shorter way where none of its logits is above 0: 13 % of the steps with the first, nearly all with the
# second.
DISTRIBUTIONS = {"mixed": (-4, 1.5), "lean": (-6, 1.2)}
CONSTANTS = {value: np.array([value], np.float64) for value in (ALPHA, GAMMA)}


def constant(value):
    return PerClass(values=CONSTANTS[value].ctypes.data, count=1)


def normal(random, shape, mean, deviation):
    return random.standard_normal(shape, np.float32) * np.float32(deviation) + np.float32(mean)


def close(got, want, relative, what, absolute=0.0):
    error = np.abs(np.asarray(got, np.float64) - want) - relative * np.abs(want) - absolute
    if not np.all(error <= 0):
        raise ValueError(f"{what} differs by up to {np.max(np.abs(got - want)):.3g}")


def million(count):
    return f"{count / 1e6:.1f} M"


class FocalLoss:
    peers = ("torchvision", "compile-one-hot", "compile-labels", "triton", "mmcv", "apex")

    def __init__(self, b, dtype, distribution):
        self.dtype, rows = dtype, 2000 if b.quick else 1600000
        self.x = to_dtype(normal(b.random, (rows, CLASSES), *DISTRIBUTIONS[distribution]), dtype)
        self.labels = np.where(b.random.random(rows) < 0.99, -1, b.random.integers(0, CLASSES, rows)).astype(np.int32)
        self.logits, self.on_device = Buffer.of(b.plugin, self.x), Buffer.of(b.plugin, self.labels)
        self.grad, self.sums = Buffer(b.plugin, self.x.nbytes), Buffer(b.plugin, 16)
        fields = {
            **dict(dtype=DTYPES[dtype], logits=self.logits.address, labels=self.on_device.address, rows=rows),
            **dict(classes=CLASSES, alpha=constant(ALPHA), gamma=constant(GAMMA), normalizer=1.0),
            **dict(loss_sum=self.sums.address, num_positive=self.sums.address + 8),
        }
        run = functools.partial(b.plugin.run, "focal_loss", DEVICE, **fields)
        size, name = self.x.nbytes, f"{million(self.x.size)} {dtype}, {distribution}"
        self.calls = {
            f"focal loss, {name}": (run, size + 4 * rows, "read"),
            f"focal loss and gradient, {name}": (
                functools.partial(run, grad=self.grad.address), 2 * size + 4 * rows, "copy",
            ),
        }  # fmt: skip

    def result(self, rows=None):
        return self.sums.read(np.zeros(2))[0], to_float32(self.grad.read(self.x[:rows]), self.dtype)

    def check(self):
        rows = slice(0, 1000)
        x = to_float32(self.x[rows], self.dtype)
        _, slope = reference.focal(x, reference.one_hot(self.labels[rows], CLASSES), ALPHA, GAMMA)
        ulp = {"float32": 0, "float16": 2.0**-11, "bfloat16": 2.0**-8}[self.dtype]
        close(self.result(1000)[1], slope, 1e-6 + ulp, "the gradient", 2.0**-25 if self.dtype == "float16" else 0)


class Assign:
    peers = ("torchvision",)

    def __init__(self, b, form):
        self.scene = s = Scene(b)
        all_anchors = s.images * s.grid.count
        self.found = [Buffer(b.plugin, 4 * all_anchors) for _ in range(2)]
        self.counts, self.matched = unwritten(s.images, np.int64), unwritten(len(s.boxes), np.uint8)
        run = functools.partial(
            b.plugin.run, "assign", DEVICE,
            **dict(anchors=s.described(form), truth=s.truth, options=match_options()),
            **dict(labels=self.found[0].address, matches=self.found[1].address),
            **dict(positive_counts=self.counts.ctypes.data, gt_matched=self.matched.ctypes.data),
        )  # fmt: skip
        name = f"assign, {s.images} images x {s.grid.count} anchors ({form}) x {len(s.boxes) // s.images} boxes"
        self.calls = {name: (run, None, None)}

    def result(self):
        return self.found[1].read(np.empty((self.scene.images, self.scene.grid.count), np.int32))

    def check(self):
        got, last = self.result(), self.scene.images - 1
        for image in {0, last}:
            if not np.array_equal(got[image], self.scene.matches(image)):
                raise ValueError(f"matches of image {image} are not those of the exhaustive matching")


class RetinanetLoss:
    peers = ("torchvision",)

    def __init__(self, b, dtype, distribution):
        self.dtype, self.scene = dtype, Scene(b)
        s, count = self.scene, self.scene.grid.count
        self.x = to_dtype(normal(b.random, (s.images, count, CLASSES), *DISTRIBUTIONS[distribution]), dtype)
        self.d = to_dtype(normal(b.random, (s.images, count, 4), 0, 0.3), dtype)
        self.inputs = [Buffer.of(b.plugin, array) for array in (self.x, self.d)]
        self.grads, self.sums = [Buffer(b.plugin, array.nbytes) for array in (self.x, self.d)], Buffer(b.plugin, 32)
        sums = {
            name: self.sums.address + 8 * i for i, name in enumerate(("loss", "class_loss", "box_loss", "num_positive"))
        }
        run = functools.partial(
            b.plugin.run, "retinanet_loss", DEVICE,
            **dict(dtype=DTYPES[dtype], class_logits=self.inputs[0].address, box_deltas=self.inputs[1].address),
            **dict(anchors=s.described("grid"), truth=s.truth, match=match_options(), classes=CLASSES),
            **dict(alpha=constant(ALPHA), gamma=constant(GAMMA), beta=BETA, box_weight=1.0, normalizer=1.0),
            **dict(loss_scale=1.0, normalize_by_positives=1, coder_weights=coder(EVEN), **sums),
            **dict(class_grad=self.grads[0].address, box_grad=self.grads[1].address),
        )  # fmt: skip
        name = f"retinanetLoss, {million(self.x.size)} {dtype}, {distribution}"
        self.calls = {name: (run, 2 * (self.x.nbytes + self.d.nbytes), "copy")}

    def result(self):
        grads = (to_float32(grad.read(like), self.dtype) for grad, like in zip(self.grads, (self.x, self.d)))
        return (self.sums.read(np.zeros(4)), *grads)

    def check(self):
        sums = self.sums.read(np.zeros(4))
        labels = np.array(self.scene.matches(0))
        labels = np.where(labels >= 0, self.scene.labels[np.maximum(labels, 0)], labels)
        _, slope = reference.focal(to_float32(self.x[0], self.dtype), reference.one_hot(labels, CLASSES), ALPHA, GAMMA)
        slope[labels == -2] = 0
        ulp = {"float32": 0, "float16": 2.0**-11, "bfloat16": 2.0**-8}[self.dtype]
        got = to_float32(self.grads[0].read(self.x[0]), self.dtype)
        close(
            got, slope / sums[3], 2e-6 + ulp, "the gradient of image 0", 2.0**-25 if self.dtype == "float16" else 1e-30
        )
        close(sums[0], sums[1] + sums[2], 1e-12, "the sum of both losses")


class Nms:
    peers = ("torchvision",)

    def __init__(self, b, count):
        count = count // 100 if b.quick else count
        corner = b.random.random((count, 2)) * 1000
        self.boxes = np.concatenate([corner, corner + 10 + b.random.random((count, 2)) * 90], 1).astype(np.float32)
        self.scores = (b.random.permutation(count) / count).astype(np.float32)
        self.inputs = [Buffer.of(b.plugin, array) for array in (self.boxes, self.scores)]
        self.keep, self.count = Buffer(b.plugin, 4 * count), ctypes.c_int64()
        run = functools.partial(
            b.plugin.run, "nms", DEVICE,
            **dict(boxes=self.inputs[0].address, scores=self.inputs[1].address, count=count, iou_threshold=0.5),
            **dict(max_output=count, keep=self.keep.address, num_keep=ctypes.addressof(self.count)),
        )  # fmt: skip
        self.calls = {f"nms, {count} boxes": (run, None, None)}

    def result(self):
        return self.keep.read(np.empty(self.count.value, np.int32))

    def check(self):
        if not np.array_equal(self.result(), reference.nms(self.boxes, self.scores, 0.5)):
            raise ValueError("the kept boxes are not those of the exact greedy suppression")


class DecodeDetections:
    peers = ("torchvision",)
    settings = 0.05, 1000, 0.5, 300

    def __init__(self, b):
        self.scene = s = Scene(b)
        self.x = normal(b.random, (s.images, s.grid.count, CLASSES), *DISTRIBUTIONS["lean"])
        self.d = normal(b.random, (s.images, s.grid.count, 4), 0, 0.2)
        score, top_k, threshold, most = self.settings
        self.inputs = [Buffer.of(b.plugin, array) for array in (self.x, self.d)]
        self.outputs = [Buffer(b.plugin, size * s.images * most) for size in (16, 4, 4)]
        self.counts, self.offsets = np.array(s.grid.counts, np.int64), unwritten(s.images + 1, np.int32)
        run = functools.partial(
            b.plugin.run, "decode_detections", DEVICE,
            **dict(coder_weights=coder(EVEN)),
            **dict(dtype=DTYPES["float32"], class_logits=self.inputs[0].address, box_deltas=self.inputs[1].address),
            **dict(anchors=s.described("grid"), level_counts=self.counts.ctypes.data, num_levels=len(self.counts)),
            **dict(images=s.images, classes=CLASSES, image_height=s.size[0], image_width=s.size[1]),
            **dict(score_threshold=score, top_k=top_k, iou_threshold=threshold, max_detections=most),
            **dict(zip(("boxes", "scores", "labels"), (buffer.address for buffer in self.outputs))),
            offsets=self.offsets.ctypes.data,
        )  # fmt: skip
        name = f"decodeDetections, {s.images} images, {million(self.x.size)} logits"
        self.calls = {name: (run, self.x.nbytes, "read")}

    def result(self):
        found = self.offsets[-1]
        scores = self.outputs[1].read(np.empty(found, np.float32))
        return scores, self.outputs[2].read(np.empty(found, np.int32)), self.offsets

    def check(self):
        scores, labels, offsets = self.result()
        s, (threshold, top_k, overlap, most) = self.scene, self.settings
        decoded = reference.decode(s.anchors, self.d[0], s.size)
        want = reference.detections(self.x[0], decoded, s.grid.counts, threshold, top_k, overlap, most)
        # The boxes of the reference come from float64: an overlap next to the threshold may differ, and then one box or two.
        same = min(len(want), offsets[1])
        if abs(len(want) - offsets[1]) > 2 or (labels[:same] != want[:same] % CLASSES).mean() > 0.05:
            raise ValueError(f"image 0 has {offsets[1]} detections, the reference {len(want)}, or others")


class HostArrays:
    """The focal loss from and to the host's memory: what a typed array costs."""

    peers = ()

    def __init__(self, b, kind):
        rows = 2000 if b.quick else 1600000
        size = 4 * rows * CLASSES
        plain = [np.empty((rows, CLASSES), np.float32) for _ in range(2)]
        pinned = [np.frombuffer(b.plugin.pinned(size), np.float32).reshape(rows, CLASSES) for _ in range(2)]
        self.x, self.grad = pinned if kind == "pinned" else plain
        self.x[:] = normal(b.random, (4096, CLASSES), *DISTRIBUTIONS["mixed"])[np.arange(rows) % 4096]
        self.labels, self.sums = np.full(rows, -1, np.int32), unwritten(2, np.float64)
        self.labels[::100] = np.arange(len(self.labels[::100])) % CLASSES
        run = functools.partial(
            b.plugin.run, "focal_loss", HOST,
            **dict(dtype=DTYPES["float32"], logits=self.x.ctypes.data, labels=self.labels.ctypes.data, rows=rows),
            **dict(classes=CLASSES, alpha=constant(ALPHA), gamma=constant(GAMMA), normalizer=1.0),
            **dict(grad=self.grad.ctypes.data, loss_sum=self.sums.ctypes.data, num_positive=self.sums.ctypes.data + 8),
        )  # fmt: skip
        self.calls = {f"focal loss and gradient, {kind} host arrays, {million(self.x.size)}": (run, 2 * size, "bus")}

    def check(self):
        rows = slice(None, None, max(1, len(self.x) // 1000))
        _, slope = reference.focal(self.x[rows], reference.one_hot(self.labels[rows], CLASSES), ALPHA, GAMMA)
        close(self.grad[rows], slope, 1e-6, "the gradient")


DTYPE_NAMES = ("float32", "bfloat16", "float16")
# The targets first.
CASES = {
    **{f"focal-{dtype}-{d}": (FocalLoss, dtype, d) for dtype in DTYPE_NAMES for d in ("lean", "mixed")},
    **{f"retinanet-{dtype}-{d}": (RetinanetLoss, dtype, d) for dtype in DTYPE_NAMES[:2] for d in ("lean", "mixed")},
    **{f"assign-{form}": (Assign, form) for form in ("grid", "list")},
    **{f"nms-{count}": (Nms, count) for count in (1000, 10000, 100000)},
    "decode": (DecodeDetections,),
    **{f"host-{kind}": (HostArrays, kind) for kind in ("pinned", "plain")},
}
