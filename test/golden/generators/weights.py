"""Small files of torch.save, and what is in their tensors. The keys in legacy.pth are addresses: its bytes differ from run to run."""

import base64
import collections
import io
import json
import os

import torch

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def saved(value: object, **options: object) -> str:
    file = io.BytesIO()
    torch.save(value, file, **options)
    return base64.b64encode(file.getvalue()).decode()


def generate() -> None:
    base = torch.arange(24.0).reshape(2, 3, 4) / 8 - 1
    tensors = collections.OrderedDict(
        rows=base,
        transposed=base.permute(2, 0, 1),
        part=base[:, 1:, ::2],
        parameter=torch.nn.Parameter(torch.tensor([0.1, -2.5e-30])),
        scalar=torch.tensor(-7),
        empty=torch.zeros(0, 3),
        half=torch.tensor([1.0, 65504.0, 2.0**-24, -(2.0**-14), 0.1]).half(),
        brain=torch.tensor([1.0, -3e38, 1e-40, 0.1]).bfloat16(),
        double=torch.tensor([0.1, 1e300 * 0 + 5.0]).double(),
        byte=torch.tensor([0, 255]).byte(),
        flag=torch.tensor([True, False]),
    )
    few = {name: tensors[name] for name in ("rows", "transposed", "scalar")}
    layer = torch.nn.Linear(2, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(6.0).reshape(3, 2))
        layer.bias.fill_(0.5)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    checkpoint = {"model": layer.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 0.5}
    dicts = {"zip.pth": tensors, "protocol4.pth": tensors, "legacy.pth": few, "checkpoint.pth": layer.state_dict()}
    files = {
        "zip.pth": saved(tensors),
        "protocol4.pth": saved(tensors, pickle_protocol=4),
        "legacy.pth": saved(few, _use_new_zipfile_serialization=False),
        "checkpoint.pth": saved(checkpoint),
    }
    golden = {
        name: {
            "file": files[name],
            "tensors": {
                key: {"shape": list(tensor.shape), "values": tensor.detach().float().flatten().tolist()}
                for key, tensor in dicts[name].items()
            },
        }
        for name in files
    }
    with open(os.path.join(FOLDER, "weights.json"), "w", encoding="utf-8") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
