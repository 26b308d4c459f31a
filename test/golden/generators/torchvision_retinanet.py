"""torchvision-retinanet.json: torchvision's RetinaNet with weights and pictures by a formula, from anchors to detections.

The real pictures are three of the BCCD photos of ../shared/data, named by the hash of their pixels.
"""

import hashlib
import os

import numpy as np
import torch
from PIL import Image

from golden import FOLDER, array, write
from torchvision.models.detection import RetinaNet, RetinaNet_ResNet50_FPN_Weights
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import RetinaNetHead, _default_anchorgen
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

PICTURES = os.path.join(FOLDER, "../../../shared/data/bccd/BCCD/JPEGImages")
REAL = ["BloodImage_00001.jpg", "BloodImage_00052.jpg", "BloodImage_00174.jpg"]
SIDES = {"min_size": 128, "max_size": 200}
SIZES = [(800, 1344), (1344, 800), (800, 800), (608, 1344), (32, 32), (64, 96), (96, 64), (224, 320), (416, 416)]
SIZES += [(480, 640), (992, 1344), (160, 1344)]


def uniform(name, count):
    """Of each element's index and the name, in [-1, 1): the 24 upper bits of a hash."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    with np.errstate(over="ignore"):
        h = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        h = h ^ (h >> np.uint32(16))
    return (h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def spread(name, shape):
    """[middle, deviation] of a parameter's values."""
    if len(shape) == 4:
        gain = 1.0
        if "body.layer" in name and (".conv2." in name or ".conv3." in name):
            gain = 0.5
        if "cls_logits" in name:
            gain = 0.05
        if "bbox_reg" in name:
            gain = 0.025
        return 0, gain * np.sqrt(6 / (shape[1] * shape[2] * shape[3]))
    if "cls_logits" in name:
        return -4, 0.5
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        return 1, 0.25
    return 0, 0.125


def fill(model):
    for name, tensor in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        middle, deviation = spread(name, tensor.shape)
        values = uniform(name, tensor.numel()) * np.float32(deviation) + np.float32(middle)
        tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))
    return model


def build(name, p6_channels=256, **sides):
    """LastLevelP6P7 begins from C5 where that has another number of channels than P5."""
    backbone = resnet_fpn_backbone(
        backbone_name=name,
        weights=None,
        trainable_layers=5,
        returned_layers=[2, 3, 4],
        extra_blocks=LastLevelP6P7(p6_channels, 256),
    )
    return fill(RetinaNet(backbone, 91, **sides))


def drawn(height, width):
    values = uniform(f"picture {height} {width}", height * width * 3)
    return ((values + 1) * np.float32(128)).astype(np.uint8).reshape(height, width, 3)


def tensor(pixels):
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255


def anchors():
    generator = _default_anchorgen()
    for height, width in SIZES:
        maps = [torch.zeros(1, 1, -(-height // s), -(-width // s)) for s in (8, 16, 32, 64, 128)]
        images = ImageList(torch.zeros(1, 3, height, width), [(height, width)])
        boxes = generator(images, maps)[0].numpy().astype("<f4")
        samples = array(boxes[:: max(1, len(boxes) // 16)], "float32")
        yield {"kind": "anchors", "size": [height, width], "hash": sha(boxes), "samples": samples}


def sha(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def outputs(name, height=96, width=160, kind="outputs", **options):
    model = build(name, **options).eval()
    pixels = drawn(height, width)
    mean, std = [torch.tensor(v).view(3, 1, 1) for v in (model.transform.image_mean, model.transform.image_std)]
    features = list(model.backbone(((tensor(pixels) - mean) / std)[None]).values())
    result = {"kind": kind, "backbone": name, "size": [height, width]}
    for key, values in model.head(features).items():
        flat = values.numpy().astype(np.float64).ravel()
        sampled = array(flat[:: len(flat) // 500], "float32")
        result[key] = {"length": len(flat), "norm": float(np.sqrt((flat**2).sum())), "samples": sampled}
    return result


def weighted():
    """Detections and losses where box deltas are multiplied by weights."""
    weights = (10.0, 10.0, 5.0, 5.0)
    model = build("resnet18", **SIDES).eval()
    coder = BoxCoder(weights)
    model.box_coder = model.head.regression_head.box_coder = coder
    pixels = drawn(150, 110)
    with torch.no_grad():
        (found,) = model([tensor(pixels)])
    case = {"kind": "weighted", "backbone": "resnet18", "size": [150, 110], "file": None, "pixels": sha(pixels)}
    for key, dtype in (("boxes", "float32"), ("scores", "float32"), ("labels", "int32")):
        case[key] = array(found[key].numpy(), dtype)
    return {**case, "coder": weights}


def each_image():
    """The two losses of a head, whose normalizer is of each image: two positives' worth of boxes, one, and none."""
    height, width = 64, 96
    boxes = [[[4, 6, 40, 50], [50, 10, 90, 60]], [[20, 20, 52, 50]], []]
    labels = [[1, 0], [2], []]
    maps = [torch.zeros(1, 1, -(-height // s), -(-width // s)) for s in (8, 16, 32, 64, 128)]
    generator = _default_anchorgen()
    anchors = generator(ImageList(torch.zeros(3, 3, height, width), [(height, width)] * 3), maps)
    head = RetinaNetHead(4, 9, 3)
    model = RetinaNet.__new__(RetinaNet)
    torch.nn.Module.__init__(model)
    model.head, model.proposal_matcher = head, Matcher(0.5, 0.4, allow_low_quality_matches=True)
    count = len(anchors[0])
    logits = torch.from_numpy(uniform("logits", 3 * count * 3).reshape(3, count, 3) * 2 - 3)
    deltas = torch.from_numpy(uniform("deltas", 3 * count * 4).reshape(3, count, 4) / 2)
    logits.requires_grad_(), deltas.requires_grad_()
    targets = [
        {"boxes": torch.tensor(b).float().reshape(-1, 4), "labels": torch.tensor(c, dtype=torch.int64)}
        for b, c in zip(boxes, labels)
    ]
    losses = model.compute_loss(targets, {"cls_logits": logits, "bbox_regression": deltas}, anchors)
    sum(losses.values()).backward()
    norms = {key: float(value.grad.double().norm()) for key, value in (("logits", logits), ("deltas", deltas))}
    case = {"kind": "each-image", "size": [height, width], "boxes": boxes, "labels": labels, "norms": norms}
    return {**case, "losses": {key: float(value) for key, value in losses.items()}}


def detections(name):
    model = build(name, **SIDES).eval()
    pictures = [(None, drawn(150, 110)), (None, drawn(90, 230))]
    if name == "resnet18":
        pictures += [(file, np.array(Image.open(os.path.join(PICTURES, file)))) for file in REAL]
    for file, pixels in pictures:
        (found,) = model([tensor(pixels)])
        print(name, file, len(found["scores"]), found["scores"][:3], found["scores"][-3:])
        height, width, _ = pixels.shape
        case = {"kind": "detections", "backbone": name, "size": [height, width], "file": file, "pixels": sha(pixels)}
        for key, dtype in (("boxes", "float32"), ("scores", "float32"), ("labels", "int32")):
            case[key] = array(found[key].numpy(), dtype)
        yield case


def group(name):
    parts = name.split(".")
    return ".".join(parts[:3] if parts[0] == "backbone" and parts[1] == "body" else parts[:2])


def training(name):
    height, width = 96, 160
    model = build(name, min_size=height, max_size=width).train()
    pictures = [drawn(height, width), drawn(height, width)[::-1].copy()]
    boxes = [[[10, 12, 60, 70], [80, 20, 150, 90]], [[30, 30, 50, 44]]]
    labels = [[17, 3], [90]]
    targets = [{"boxes": torch.tensor(b).float(), "labels": torch.tensor(c)} for b, c in zip(boxes, labels)]
    losses = model([tensor(p) for p in pictures], targets)
    sum(losses.values()).backward()
    squares = {}
    for key, parameter in model.named_parameters():
        squares[group(key)] = squares.get(group(key), 0) + float((parameter.grad.double() ** 2).sum())
    norms = {key: value**0.5 for key, value in squares.items()}
    values = {key: float(value) for key, value in losses.items()}
    print(name, values, norms)
    truth = {"boxes": boxes, "labels": labels}
    return {"kind": "training", "backbone": name, "size": [height, width], **truth, "losses": values, "norms": norms}


def generate():
    cases = list(anchors())
    cases.append({"kind": "names", "names": RetinaNet_ResNet50_FPN_Weights.COCO_V1.meta["categories"]})
    with torch.no_grad():
        for name in ("resnet18", "resnet50"):
            cases += [outputs(name), *detections(name)]
        for name in ("resnet34", "resnet101"):
            cases.append(outputs(name, 64, 64))
        cases.append(outputs("resnet18", 64, 96, kind="p6-from-c5", p6_channels=512))
    cases += [weighted(), each_image()]
    cases += [training(name) for name in ("resnet18", "resnet50")]
    write("torchvision-retinanet.json", cases)
