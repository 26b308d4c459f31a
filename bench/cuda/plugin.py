"""The CUDA plugin through its C table: native/backend/backend.h and cuda_plugin.h in ctypes, and nothing else.

A call takes its arrays from the host (numpy) or from the device (addresses: Buffer, or a torch tensor's data_ptr)."""
import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_uint32, c_void_p

ABI_VERSION = 5
HOST, DEVICE = 0, 1
DTYPES = {"float32": 0, "float16": 1, "bfloat16": 2}


class Status(Structure):
    _fields_ = [("code", c_int32), ("message", c_char * 256)]


def struct(type_name, /, **fields):
    return type(type_name, (Structure,), {"_fields_": list(fields.items())})


Place = struct("Place", memory=c_int32, device=c_int32)
PerClass = struct("PerClass", values=c_void_p, count=c_int64)
GridLevel = struct("GridLevel", height=c_int64, width=c_int64, stride=c_double, first_anchor=c_int64, half_sizes=c_void_p)
Anchors = struct(
    "Anchors", count=c_int64, boxes=c_void_p, levels=c_void_p, num_levels=c_int64, anchors_per_cell=c_int64
)
GroundTruth = struct(
    "GroundTruth",
    **dict(memory=c_int32, images=c_int64, boxes=c_void_p, labels=c_void_p, offsets=c_void_p),
    **dict(ignore_boxes=c_void_p, ignore_offsets=c_void_p),
)
MatchOptions = struct(
    "MatchOptions",
    **dict(positive_threshold=c_float, negative_threshold=c_float, ignore_iof=c_float),
    allow_low_quality_matches=c_int32,
)

# One struct an operation, in the order of the table.
OPERATIONS = {
    "focal_loss": struct(
        "FocalLoss",
        **dict(place=Place, dtype=c_int32, logits=c_void_p, labels=c_void_p, targets=c_void_p, anchor_weights=c_void_p),
        **dict(rows=c_int64, classes=c_int64, alpha=PerClass, gamma=PerClass, label_smoothing=c_double),
        **dict(normalizer=c_double, normalize_by_positives=c_int32, grad_output=c_void_p, grad_output_count=c_int64),
        **dict(losses=c_void_p, grad=c_void_p, loss_sum=c_void_p, num_positive=c_void_p),
    ),
    "smooth_l1": struct(
        "SmoothL1",
        **dict(place=Place, predictions=c_void_p, targets=c_void_p, weights=c_void_p, rows=c_int64, columns=c_int64),
        **dict(beta=c_double, normalizer=c_double, grad_output=c_void_p, grad_output_count=c_int64),
        **dict(losses=c_void_p, grad=c_void_p, loss_sum=c_void_p),
    ),
    "grid_boxes": struct("GridBoxes", place=Place, anchors=Anchors, out=c_void_p),
    "assign": struct(
        "Assign",
        **dict(place=Place, anchors=Anchors, truth=GroundTruth, options=MatchOptions, labels=c_void_p),
        **dict(matches=c_void_p, positive_counts=c_void_p, gt_matched=c_void_p, tiles=c_void_p),
    ),
    "positive_targets": struct(
        "PositiveTargets",
        **dict(place=Place, anchors=Anchors, gt_memory=c_int32, gt_boxes=c_void_p, gt_count=c_int64, matches=c_void_p),
        **dict(tiles=c_void_p, images=c_int64, num_positive=c_int64, positives=c_void_p, box_targets=c_void_p),
    ),
    "encode_boxes": struct("EncodeBoxes", place=Place, anchors=Anchors, boxes=c_void_p, out=c_void_p),
    "decode_boxes": struct("DecodeBoxes", place=Place, anchors=Anchors, boxes=c_void_p, out=c_void_p),
    "clip_boxes": struct(
        "ClipBoxes", place=Place, boxes=c_void_p, count=c_int64, height=c_float, width=c_float, out=c_void_p
    ),
    "box_iou": struct("BoxIou", place=Place, a=c_void_p, b=c_void_p, rows=c_int64, columns=c_int64, out=c_void_p),
    "nms": struct(
        "Nms",
        **dict(place=Place, boxes=c_void_p, scores=c_void_p, classes=c_void_p, count=c_int64, iou_threshold=c_double),
        **dict(max_output=c_int64, keep=c_void_p, num_keep=c_void_p),
    ),
    "decode_detections": struct(
        "DecodeDetections",
        **dict(place=Place, dtype=c_int32, class_logits=c_void_p, box_deltas=c_void_p, anchors=Anchors),
        **dict(level_counts=c_void_p, num_levels=c_int64, images=c_int64, classes=c_int64, image_height=c_float),
        **dict(image_width=c_float, score_threshold=c_double, top_k=c_int64, iou_threshold=c_double),
        **dict(class_agnostic=c_int32, max_detections=c_int64, boxes=c_void_p, scores=c_void_p, labels=c_void_p, offsets=c_void_p),
    ),
    "retinanet_loss": struct(
        "RetinanetLoss",
        **dict(place=Place, dtype=c_int32, class_logits=c_void_p, box_deltas=c_void_p, anchors=Anchors),
        **dict(truth=GroundTruth, match=MatchOptions, classes=c_int64, alpha=PerClass, gamma=PerClass),
        **dict(label_smoothing=c_double, beta=c_double, box_weight=c_double, normalizer=c_double),
        **dict(normalize_by_positives=c_int32, class_grad=c_void_p, box_grad=c_void_p, loss=c_void_p),
        **dict(class_loss=c_void_p, box_loss=c_void_p, num_positive=c_void_p),
    ),
    "select_hard_negatives": struct(
        "SelectHardNegatives",
        **dict(place=Place, losses=c_void_p, labels=c_void_p, rows=c_int64, columns=c_int64, ratio=c_double),
        **dict(min_negatives=c_int64, keep=c_void_p, num_keep=c_void_p),
    ),
}

Table = struct(
    "Table",
    **dict(abi_version=c_uint32, name=c_char_p, instruction_set=c_char_p),
    **{name: ctypes.CFUNCTYPE(Status, POINTER(op)) for name, op in OPERATIONS.items()},
)
DeviceInfo = struct(
    "DeviceInfo",
    **dict(name=c_char * 256, compute_major=c_int32, compute_minor=c_int32, multiprocessors=c_int32, total_bytes=c_int64),
)
DeviceMemory = struct(
    "DeviceMemory", tensor_bytes=c_int64, peak_bytes=c_int64, reserved_bytes=c_int64, pinned_bytes=c_int64
)


def function(result, *arguments):
    return ctypes.CFUNCTYPE(result, *arguments)


PluginTable = struct(
    "PluginTable",
    abi_version=c_uint32,
    operations=POINTER(Table),
    unusable=function(c_char_p, POINTER(c_char_p)),
    versions=function(None, POINTER(c_int32), POINTER(c_int32)),
    device_count=function(c_int32),
    device_info=function(Status, c_int32, POINTER(DeviceInfo)),
    memory=function(Status, c_int32, POINTER(DeviceMemory)),
    allocate=function(Status, c_int32, c_int64, POINTER(c_void_p)),
    release=function(Status, c_int32, c_void_p, c_int64),
    upload=function(Status, c_int32, c_void_p, c_void_p, c_int64),
    download=function(Status, c_int32, c_void_p, c_void_p, c_int64),
    copy=function(Status, c_int32, c_void_p, c_void_p, c_int64),
    clear=function(Status, c_int32, c_void_p, c_int64),
    synchronize=function(Status, c_int32),
    allocate_pinned=function(Status, c_int64, POINTER(c_void_p)),
    release_pinned=function(Status, c_void_p, c_int64),
)


def checked(status):
    if status.code != 0:
        raise RuntimeError(status.message.decode())


class Plugin:
    def __init__(self, path):
        entry = ctypes.CDLL(path).retinanet_ops_cuda_plugin
        entry.restype, entry.argtypes = POINTER(PluginTable), [c_uint32]
        table = entry(ABI_VERSION)
        if not table:
            raise RuntimeError(f"{path} is of another version than plugin.py ({ABI_VERSION})")
        self.table = table.contents
        detail = c_char_p()
        reason = self.table.unusable(byref(detail))
        if reason:
            raise RuntimeError(f"{reason.decode()}: {detail.value.decode()}")

    def run(self, name, **fields):
        """Calls an operation. Arrays are addresses; the caller keeps what they point to."""
        operation = OPERATIONS[name](**fields)
        checked(getattr(self.table.operations.contents, name)(byref(operation)))

    def device_info(self, device=0):
        info = DeviceInfo()
        checked(self.table.device_info(device, byref(info)))
        return info

    def versions(self):
        driver, runtime = c_int32(), c_int32()
        self.table.versions(byref(driver), byref(runtime))
        return driver.value, runtime.value

    def synchronize(self, device=0):
        checked(self.table.synchronize(device))

    def pinned(self, count):
        """Bytes of pinned host memory, never released: it lives as long as the process."""
        pointer = c_void_p()
        checked(self.table.allocate_pinned(count, byref(pointer)))
        return (c_char * count).from_address(pointer.value)


class Buffer:
    """A numpy array's bytes in device memory."""

    def __init__(self, plugin, array):
        self.plugin, self.like, pointer = plugin, array, c_void_p()
        checked(plugin.table.allocate(0, array.nbytes, byref(pointer)))
        self.address = pointer.value
        if array.nbytes:
            checked(plugin.table.upload(0, self.address, array.ctypes.data, array.nbytes))

    def read(self):
        array = self.like.copy()
        if array.nbytes:
            checked(self.plugin.table.download(0, array.ctypes.data, self.address, array.nbytes))
        return array

    def __del__(self):
        self.plugin.table.release(0, self.address, self.like.nbytes)
