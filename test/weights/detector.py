"""torchvision's side of torchvision.test.ts: write FILE makes a RetinaNet's weights, compare FILE SAFETENSORS looks whether both are one."""

import json
import struct
import sys

import numpy as np
import torch

from torchvision.models import resnet18
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import misc
from torchvision.ops.feature_pyramid_network import LastLevelP6P7


def write(file: str) -> None:
    torch.manual_seed(3)
    body = resnet18(norm_layer=misc.FrozenBatchNorm2d)
    extra = LastLevelP6P7(256, 256)
    model = RetinaNet(_resnet_fpn_extractor(body, 5, returned_layers=[2, 3, 4], extra_blocks=extra), 4)
    weights = model.state_dict()
    for name, tensor in weights.items():
        if name.endswith("running_mean") or name.endswith("bias"):
            tensor.copy_(torch.randn(tensor.shape))
    torch.save({"model": weights, "epoch": 1}, file)


def compare(file: str, safetensors: str) -> None:
    expected = torch.load(file)["model"]
    with open(safetensors, "rb") as source:
        (length,) = struct.unpack("<Q", source.read(8))
        header = json.loads(source.read(length))
        data = source.read()
    metadata = header.pop("__metadata__")
    assert metadata["format"] == "pt", metadata
    assert sorted(header) == sorted(expected), set(header) ^ set(expected)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32"
        values = np.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
        assert np.array_equal(values, expected[name].numpy()), name


if __name__ == "__main__":
    {"write": write, "compare": compare}[sys.argv[1]](*sys.argv[2:])
