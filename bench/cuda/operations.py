"""The plugin's operations on numpy arrays, as the package has them."""

# Longer than 250 lines: a method for each operation, of one class.

import numpy as np

from plugin import (
    DEVICE,
    DTYPES,
    HOST,
    REGRESSIONS,
    Anchors,
    Buffer,
    CoderWeights,
    GridLevel,
    GroundTruth,
    MatchOptions,
    PerClass,
)


def bfloat16_bits(array):
    """float32 to the upper 16 bits, to nearest even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + (0x7FFF + (bits >> 16 & 1)).astype(np.uint32)) >> 16).astype(np.uint16)


EVEN = (1.0, 1.0, 1.0, 1.0)


def coder(weights):
    return CoderWeights(**dict(zip(("dx", "dy", "dw", "dh"), weights)))


def to_dtype(array, dtype):
    if dtype == "bfloat16":
        return bfloat16_bits(array)
    return np.ascontiguousarray(array, dtype)


def to_float32(array, dtype):
    if dtype == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32)


def unwritten(shape, dtype=np.float32):
    """An output: what is not written is seen to be wrong."""
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8)[:] = 0xA5
    return array


class Grid:
    """An anchor grid as the package lays it out: level, row, column, scale, ratio; ratio = height / width.

    A stride is one number or (vertical, horizontal); `cells` [(rows, columns)] are given or follow from the image."""

    def __init__(self, height, width, strides, base_sizes, scales, ratios, offset=0.5, cells=None):  # noqa: PLR0913
        self.levels, self.counts, first = [], [], 0
        self.shapes = len(scales) * len(ratios)
        for level, (stride, base) in enumerate(zip(strides, base_sizes)):
            down, across = stride if isinstance(stride, tuple) else (stride, stride)
            rows, columns = cells[level] if cells else (int(-(-height // down)), int(-(-width // across)))
            halves = [(base * s / np.sqrt(r) / 2, base * s * np.sqrt(r) / 2) for s in scales for r in ratios]
            self.levels.append((rows, columns, float(down), float(across), first, np.array(halves, np.float32)))
            self.counts.append(rows * columns * self.shapes)
            first += self.counts[-1]
        self.count = first
        self.structs = (GridLevel * len(self.levels))(
            *(
                GridLevel(
                    **dict(height=rows, width=columns, stride_y=down, stride_x=across, center_offset=offset),
                    **dict(first_anchor=first, half_sizes=half.ctypes.data),
                )
                for rows, columns, down, across, first, half in self.levels
            )
        )

    def describe(self, _=None):
        levels = len(self.levels)
        return Anchors(count=self.count, levels=self.structs, num_levels=levels, anchors_per_cell=self.shapes)


class AnchorList:
    def __init__(self, boxes):
        self.boxes = np.ascontiguousarray(boxes, np.float32)
        self.count = len(self.boxes)

    def describe(self, address):
        return Anchors(count=self.count, boxes=address(self.boxes))


# A function has the options of its operation, however many they are: noqa PLR0913.
class Operations:
    """`memory` says where a call finds its arrays: "host", or "device", where they are copied to before and from after.

    With `times`, calls are made that often in the same device memory, with other data (the rows, rotated) all but the last time.
    `shifts`, {argument: elements}, puts device arrays that far past an aligned address."""

    def __init__(self, plugin, memory, times=1, shifts=None):
        self.plugin, self.memory, self.times, self.shifts = plugin, memory, times, shifts or {}
        self.place = DEVICE if memory == "device" else HOST

    def _run(self, name, outputs, fields, inputs):
        """Runs with `inputs` (numpy arrays, None) and `outputs`, wherever they must lie; gives the outputs."""
        buffers, written, turn = {}, set(), 0

        def address(array, shift=0):
            if array is None:
                return None
            if self.memory == "host":
                return array.ctypes.data
            if id(array) not in buffers:
                buffers[id(array)] = Buffer(self.plugin, array.nbytes, shift * array.itemsize)
            if (id(array), turn) not in written:
                written.add((id(array), turn))
                buffers[id(array)].write(np.roll(array, self.times - 1 - turn, 0) if array.ndim else array)
            return buffers[id(array)].address

        for turn in range(self.times):
            given = {key: value(address) if callable(value) else value for key, value in fields.items()}
            arrays = {**inputs, **outputs}.items()
            given.update({key: address(array, self.shifts.get(key, 0)) for key, array in arrays})
            self.plugin.run(name, self.place, **given)
        if self.memory == "device":
            outputs = {
                key: array if array is None else buffers[id(array)].read(array) for key, array in outputs.items()
            }
        return outputs

    def focal_loss(self, logits, labels=None, targets=None, weights=None, alpha=0.25, gamma=2.0, smoothing=0.0,  # noqa: PLR0913
                   normalizer=1.0, by_positives=False, dtype="float32"):  # fmt: skip
        logits = to_dtype(logits, dtype)
        rows, classes = logits.shape
        parameters = {"alpha": per_class(alpha), "gamma": per_class(gamma)}
        fields = {
            key: PerClass() if values is None else PerClass(values=values.ctypes.data, count=values.size)
            for key, values in parameters.items()
        }
        outputs = {
            **dict(losses=unwritten((rows, classes)), grad=unwritten(logits.shape, logits.dtype)),
            **dict(loss_sum=unwritten(1, np.float64), num_positive=unwritten(1, np.float64)),
        }
        fields.update(dtype=DTYPES[dtype], rows=rows, classes=classes, label_smoothing=smoothing, normalizer=normalizer)
        fields.update(normalize_by_positives=int(by_positives))
        inputs = dict(logits=logits, labels=labels, targets=targets, anchor_weights=weights)
        out = self._run("focal_loss", outputs, fields, inputs)
        return out["losses"], to_float32(out["grad"], dtype), out["loss_sum"][0], out["num_positive"][0]

    def regression_loss(self, kind, predictions, targets, beta=0.0):
        """One loss of every row of `predictions` [rows] or [rows, columns], by its name in native/backend/regressions.def."""
        rows, columns = len(predictions), predictions[:1].size
        fields = dict(kind=REGRESSIONS[kind], rows=rows, columns=columns, beta=beta, normalizer=1.0)
        outputs = {
            **dict(losses=unwritten(rows), grad=unwritten(predictions.shape)),
            **dict(loss_sum=unwritten(1, np.float64)),
        }
        out = self._run("regression_loss", outputs, fields, dict(predictions=predictions, targets=targets))
        return out["losses"], out["grad"], out["loss_sum"][0]

    def _boxes(self, name, anchors, boxes=None, weights=EVEN):
        outputs = dict(out=unwritten((anchors.count, 4)))
        fields, inputs = dict(anchors=anchors.describe), {}
        if boxes is not None:
            fields, inputs = dict(fields, coder_weights=coder(weights)), dict(boxes=boxes)
        return self._run(name, outputs, fields, inputs)["out"]

    def grid_boxes(self, grid):
        return self._boxes("grid_boxes", grid)

    def encode_boxes(self, anchors, boxes, weights=EVEN):
        return self._boxes("encode_boxes", anchors, boxes, weights)

    def decode_boxes(self, anchors, deltas, weights=EVEN):
        return self._boxes("decode_boxes", anchors, deltas, weights)

    def clip_boxes(self, boxes, height, width):
        fields = dict(count=len(boxes), height=height, width=width)
        return self._run("clip_boxes", dict(out=unwritten(boxes.shape)), fields, dict(boxes=boxes))["out"]

    def box_iou(self, a, b):
        outputs = dict(out=unwritten((len(a), len(b))))
        return self._run("box_iou", outputs, dict(rows=len(a), columns=len(b)), dict(a=a, b=b))["out"]

    def _truth(self, truth):
        boxes, labels, offsets = truth
        return lambda address: GroundTruth(
            **dict(memory=self.place, images=len(offsets) - 1, boxes=address(boxes), labels=address(labels)),
            offsets=offsets.ctypes.data,
        )

    def assign(self, anchors, truth, high=0.5, low=0.4, low_quality=True):
        """`truth`: boxes [G, 4], labels [G], offsets int32 [images + 1]."""
        images, size = len(truth[2]) - 1, (len(truth[2]) - 1) * anchors.count
        positives, matched = unwritten(images, np.int64), unwritten(len(truth[0]), np.uint8)
        fields = {
            **dict(anchors=anchors.describe, truth=self._truth(truth)),
            **dict(options=match_options(high, low, low_quality)),
            **dict(positive_counts=positives.ctypes.data, gt_matched=matched.ctypes.data),
        }
        outputs = dict(labels=unwritten(size, np.int32), matches=unwritten(size, np.int32))
        out = self._run("assign", outputs, fields, {})
        return out["labels"], out["matches"], positives, matched

    def positive_targets(self, anchors, gt_boxes, matches, count, weights=EVEN):
        fields = {
            "coder_weights": coder(weights),
            **dict(anchors=anchors.describe, gt_memory=self.place, gt_count=len(gt_boxes)),
            **dict(images=len(matches) // anchors.count, num_positive=count),
        }
        outputs = dict(positives=unwritten(count, np.int32), box_targets=unwritten((count, 4)))
        out = self._run("positive_targets", outputs, fields, dict(gt_boxes=gt_boxes, matches=matches))
        return out["positives"], out["box_targets"]

    def nms(self, boxes, scores, threshold, classes=None, max_output=None):
        most = len(scores) if max_output is None else min(max_output, len(scores))
        num_keep = unwritten(1, np.int64)
        fields = dict(count=len(scores), iou_threshold=threshold, max_output=most, num_keep=num_keep.ctypes.data)
        inputs = dict(boxes=boxes, scores=scores, classes=classes)
        return self._run("nms", dict(keep=unwritten(most, np.int32)), fields, inputs)["keep"][: num_keep[0]]

    def decode_detections(self, logits, deltas, anchors, level_counts, size, score_threshold=0.05, top_k=1000,  # noqa: PLR0913
                          threshold=0.5, max_detections=300, dtype="float32", class_agnostic=False, weights=EVEN):  # fmt: skip
        images, _, classes = logits.shape
        counts, offsets = np.array(level_counts, np.int64), unwritten(images + 1, np.int32)
        fields = {
            **dict(dtype=DTYPES[dtype], anchors=anchors.describe, level_counts=counts.ctypes.data),
            **dict(num_levels=len(counts), images=images, classes=classes, image_height=size[0], image_width=size[1]),
            **dict(score_threshold=score_threshold, top_k=top_k, iou_threshold=threshold),
            **dict(coder_weights=coder(weights)),
            **dict(class_agnostic=class_agnostic, max_detections=max_detections, offsets=offsets.ctypes.data),
        }
        most = images * max_detections
        outputs = {
            **dict(boxes=unwritten((most, 4)), scores=unwritten(most)),
            **dict(labels=unwritten(most, np.int32)),
        }
        inputs = dict(class_logits=to_dtype(logits, dtype), box_deltas=to_dtype(deltas, dtype))
        out = self._run("decode_detections", outputs, fields, inputs)
        found = offsets[-1]
        return out["boxes"][:found], out["scores"][:found], out["labels"][:found], offsets

    def retinanet_loss(self, logits, deltas, anchors, truth, alpha=0.25, gamma=2.0, beta=1 / 9, box_weight=1.0,  # noqa: PLR0913
                       dtype="float32", weights=EVEN, by_image=False):  # fmt: skip
        logits, deltas = to_dtype(logits, dtype), to_dtype(deltas, dtype)
        parameters = per_class(alpha), per_class(gamma)
        fields = {
            **dict(dtype=DTYPES[dtype], anchors=anchors.describe, truth=self._truth(truth)),
            **dict(match=match_options(), classes=logits.shape[2]),
            **{key: PerClass(values=v.ctypes.data, count=1) for key, v in zip(("alpha", "gamma"), parameters)},
            **dict(
                regression=REGRESSIONS["RN_SMOOTH_L1"],
                beta=beta,
                box_weight=box_weight,
                normalizer=1.0,
                normalize_by_positives=int(not by_image),
                normalize_by_image=int(by_image),
                coder_weights=coder(weights),
                loss_scale=1.0,
            ),
        }
        sums = {key: unwritten(1, np.float64) for key in ("loss", "class_loss", "box_loss", "num_positive")}
        outputs = {f"{key}_grad": unwritten(v.shape, v.dtype) for key, v in (("class", logits), ("box", deltas))}
        out = self._run("retinanet_loss", {**outputs, **sums}, fields, dict(class_logits=logits, box_deltas=deltas))
        grads = to_float32(out["class_grad"], dtype), to_float32(out["box_grad"], dtype)
        return (*(out[key][0] for key in sums), *grads)

    def select_hard_negatives(self, losses, labels, ratio):
        num_keep, keep = unwritten(1, np.int64), unwritten(len(labels), np.int32)
        fields = dict(rows=losses.shape[0], columns=losses.shape[1], ratio=ratio, num_keep=num_keep.ctypes.data)
        out = self._run("select_hard_negatives", dict(keep=keep), fields, dict(losses=losses, labels=labels))
        return out["keep"][: num_keep[0]]


def match_options(high=0.5, low=0.4, low_quality=True):
    thresholds = dict(positive_threshold=high, negative_threshold=low, ignore_iof=0.5)
    return MatchOptions(allow_low_quality_matches=int(low_quality), **thresholds)


def per_class(value):
    return None if value is None else np.atleast_1d(np.asarray(value, np.float64))
