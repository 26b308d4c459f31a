"""The plugin's operations on numpy arrays, as the package has them. `memory` says where a call finds its arrays: "host", or
"device", where they are copied to before and from after."""
import ctypes

import numpy as np

from plugin import DEVICE, DTYPES, HOST, Anchors, Buffer, GridLevel, GroundTruth, MatchOptions, PerClass, Place


def bfloat16_bits(array):
    """float32 to the upper 16 bits, to nearest even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def to_dtype(array, dtype):
    if dtype == "bfloat16":
        return bfloat16_bits(array)
    return np.ascontiguousarray(array, dtype)


def to_float32(array, dtype):
    if dtype == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32)


class Grid:
    """An anchor grid as the package lays it out: level, row, column, scale, ratio; ratio = height / width."""

    def __init__(self, height, width, strides, base_sizes, scales, ratios):
        self.levels, self.counts, first = [], [], 0
        self.shapes = len(scales) * len(ratios)
        for stride, base in zip(strides, base_sizes):
            rows, columns = -(-height // stride), -(-width // stride)
            halves = [(base * s / np.sqrt(r) / 2, base * s * np.sqrt(r) / 2) for s in scales for r in ratios]
            self.levels.append((rows, columns, float(stride), first, np.array(halves, np.float32)))
            self.counts.append(rows * columns * self.shapes)
            first += self.counts[-1]
        self.count = first
        self.structs = (GridLevel * len(self.levels))(
            *(GridLevel(r, c, s, f, half.ctypes.data) for r, c, s, f, half in self.levels)
        )

    def describe(self, _):
        return Anchors(self.count, None, ctypes.addressof(self.structs), len(self.levels), self.shapes)


class AnchorList:
    def __init__(self, boxes):
        self.boxes = np.ascontiguousarray(boxes, np.float32)
        self.count = len(self.boxes)

    def describe(self, address):
        return Anchors(self.count, address(self.boxes), None, 0, 0)


class Operations:
    def __init__(self, plugin, memory):
        self.plugin, self.memory = plugin, memory
        self.place = Place(DEVICE if memory == "device" else HOST, 0)

    def _run(self, name, outputs, fields, inputs):
        """Runs with `inputs` (numpy arrays, None) and `outputs` (zeroed arrays), wherever they must lie; gives the outputs."""
        buffers = {}

        def address(array):
            if array is None:
                return None
            if self.memory == "host":
                return array.ctypes.data
            buffers.setdefault(id(array), Buffer(self.plugin, array))
            return buffers[id(array)].address

        given = {key: value(address) if callable(value) else value for key, value in fields.items()}
        given.update({key: address(array) for key, array in {**inputs, **outputs}.items()})
        self.plugin.run(name, place=self.place, **given)
        if self.memory == "device":
            outputs = {key: array if array is None else buffers[id(array)].read() for key, array in outputs.items()}
        return outputs

    def focal_loss(self, logits, labels=None, targets=None, weights=None, alpha=0.25, gamma=2.0, smoothing=0.0,
                   normalizer=1.0, by_positives=False, dtype="float32"):  # fmt: skip
        logits = to_dtype(logits, dtype)
        rows, classes = logits.shape
        parameters = {"alpha": per_class(alpha), "gamma": per_class(gamma)}
        fields = {
            key: PerClass() if values is None else PerClass(values.ctypes.data, values.size)
            for key, values in parameters.items()
        }
        outputs = {
            **dict(losses=np.zeros((rows, classes), np.float32), grad=np.zeros_like(logits)),
            **dict(loss_sum=np.zeros(1), num_positive=np.zeros(1)),
        }
        fields.update(dtype=DTYPES[dtype], rows=rows, classes=classes, label_smoothing=smoothing, normalizer=normalizer)
        fields.update(normalize_by_positives=int(by_positives))
        inputs = dict(logits=logits, labels=labels, targets=targets, anchor_weights=weights)
        out = self._run("focal_loss", outputs, fields, inputs)
        return out["losses"], to_float32(out["grad"], dtype), out["loss_sum"][0], out["num_positive"][0]

    def smooth_l1(self, predictions, targets, beta):
        fields = dict(rows=len(predictions), columns=1, beta=beta, normalizer=1.0)
        outputs = {
            **dict(losses=np.zeros_like(predictions), grad=np.zeros_like(predictions)),
            **dict(loss_sum=np.zeros(1)),
        }
        out = self._run("smooth_l1", outputs, fields, dict(predictions=predictions, targets=targets))
        return out["losses"], out["grad"], out["loss_sum"][0]

    def _boxes(self, name, anchors, boxes=None):
        outputs = dict(out=np.zeros((anchors.count, 4), np.float32))
        inputs = {} if boxes is None else dict(boxes=boxes)
        return self._run(name, outputs, dict(anchors=anchors.describe), inputs)["out"]

    def grid_boxes(self, grid):
        return self._boxes("grid_boxes", grid)

    def encode_boxes(self, anchors, boxes):
        return self._boxes("encode_boxes", anchors, boxes)

    def decode_boxes(self, anchors, deltas):
        return self._boxes("decode_boxes", anchors, deltas)

    def clip_boxes(self, boxes, height, width):
        fields = dict(count=len(boxes), height=height, width=width)
        return self._run("clip_boxes", dict(out=np.zeros_like(boxes)), fields, dict(boxes=boxes))["out"]

    def box_iou(self, a, b):
        outputs = dict(out=np.zeros((len(a), len(b)), np.float32))
        return self._run("box_iou", outputs, dict(rows=len(a), columns=len(b)), dict(a=a, b=b))["out"]

    def _truth(self, truth):
        boxes, labels, offsets = truth
        place = DEVICE if self.memory == "device" else HOST
        return lambda address: GroundTruth(
            place, len(offsets) - 1, address(boxes), address(labels), offsets.ctypes.data, None, None
        )

    def assign(self, anchors, truth, high=0.5, low=0.4, low_quality=True):
        """`truth`: boxes [G, 4], labels [G], offsets int32 [images + 1]."""
        images, size = len(truth[2]) - 1, (len(truth[2]) - 1) * anchors.count
        positives, matched = np.zeros(images, np.int64), np.zeros(len(truth[0]), np.uint8)
        fields = {
            **dict(anchors=anchors.describe, truth=self._truth(truth)),
            **dict(options=MatchOptions(high, low, 0.5, int(low_quality))),
            **dict(positive_counts=positives.ctypes.data, gt_matched=matched.ctypes.data),
        }
        outputs = dict(labels=np.zeros(size, np.int32), matches=np.zeros(size, np.int32))
        out = self._run("assign", outputs, fields, {})
        return out["labels"], out["matches"], positives, matched

    def positive_targets(self, anchors, gt_boxes, matches, count):
        fields = {
            **dict(anchors=anchors.describe, gt_memory=self.place.memory, gt_count=len(gt_boxes)),
            **dict(images=len(matches) // anchors.count, num_positive=count),
        }
        outputs = dict(positives=np.zeros(count, np.int32), box_targets=np.zeros((count, 4), np.float32))
        out = self._run("positive_targets", outputs, fields, dict(gt_boxes=gt_boxes, matches=matches))
        return out["positives"], out["box_targets"]

    def nms(self, boxes, scores, threshold, classes=None, max_output=None):
        most = len(scores) if max_output is None else min(max_output, len(scores))
        num_keep = np.zeros(1, np.int64)
        fields = dict(count=len(scores), iou_threshold=threshold, max_output=most, num_keep=num_keep.ctypes.data)
        inputs = dict(boxes=boxes, scores=scores, classes=classes)
        return self._run("nms", dict(keep=np.zeros(most, np.int32)), fields, inputs)["keep"][: num_keep[0]]

    def decode_detections(self, logits, deltas, anchors, level_counts, size, score_threshold=0.05, top_k=1000,
                          threshold=0.5, max_detections=300, dtype="float32"):  # fmt: skip
        images, _, classes = logits.shape
        counts, offsets = np.array(level_counts, np.int64), np.zeros(images + 1, np.int32)
        fields = {
            **dict(dtype=DTYPES[dtype], anchors=anchors.describe, level_counts=counts.ctypes.data),
            **dict(num_levels=len(counts), images=images, classes=classes, image_height=size[0], image_width=size[1]),
            **dict(score_threshold=score_threshold, top_k=top_k, iou_threshold=threshold),
            **dict(max_detections=max_detections, offsets=offsets.ctypes.data),
        }
        most = images * max_detections
        outputs = {
            **dict(boxes=np.zeros((most, 4), np.float32), scores=np.zeros(most, np.float32)),
            **dict(labels=np.zeros(most, np.int32)),
        }
        inputs = dict(class_logits=to_dtype(logits, dtype), box_deltas=to_dtype(deltas, dtype))
        out = self._run("decode_detections", outputs, fields, inputs)
        found = offsets[-1]
        return out["boxes"][:found], out["scores"][:found], out["labels"][:found], offsets

    def retinanet_loss(self, logits, deltas, anchors, truth, alpha=0.25, gamma=2.0, beta=1 / 9, box_weight=1.0,
                       dtype="float32"):  # fmt: skip
        logits, deltas = to_dtype(logits, dtype), to_dtype(deltas, dtype)
        parameters = per_class(alpha), per_class(gamma)
        fields = {
            **dict(dtype=DTYPES[dtype], anchors=anchors.describe, truth=self._truth(truth)),
            **dict(match=MatchOptions(0.5, 0.4, 0.5, 1), classes=logits.shape[2]),
            **dict(alpha=PerClass(parameters[0].ctypes.data, 1), gamma=PerClass(parameters[1].ctypes.data, 1)),
            **dict(beta=beta, box_weight=box_weight, normalizer=1.0, normalize_by_positives=1),
        }
        sums = {key: np.zeros(1) for key in ("loss", "class_loss", "box_loss", "num_positive")}
        outputs = dict(class_grad=np.zeros_like(logits), box_grad=np.zeros_like(deltas), **sums)
        out = self._run("retinanet_loss", outputs, fields, dict(class_logits=logits, box_deltas=deltas))
        grads = to_float32(out["class_grad"], dtype), to_float32(out["box_grad"], dtype)
        return (*(out[key][0] for key in sums), *grads)

    def select_hard_negatives(self, losses, labels, ratio):
        num_keep, keep = np.zeros(1, np.int64), np.zeros(len(labels), np.int32)
        fields = dict(rows=losses.shape[0], columns=losses.shape[1], ratio=ratio, num_keep=num_keep.ctypes.data)
        out = self._run("select_hard_negatives", dict(keep=keep), fields, dict(losses=losses, labels=labels))
        return out["keep"][: num_keep[0]]


def per_class(value):
    return None if value is None else np.atleast_1d(np.asarray(value, np.float64))
