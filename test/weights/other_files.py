"""What users have in .pth files, for other-files.test.ts: writes FOLDER/NAME and expected.json, the tensors of those that are read."""

import argparse
import json
import os
import sys
import zipfile

import numpy as np
import torch
from torch import nn


def weights():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    return model, {name: value for name, value in model.state_dict().items()}


def main(folder):
    model, plain = weights()
    path = lambda name: os.path.join(folder, name)
    expected = {}

    def save(name, value, tensors=None, **options):
        torch.save(value, path(name), **options)
        if tensors is not None:
            expected[name] = {
                key: {"shape": list(t.shape), "values": t.detach().float().flatten().tolist()}
                for key, t in tensors.items()
            }

    save("state_dict.pth", plain, plain)
    for key in ("model", "state_dict", "model_state_dict"):
        save(f"under-{key}.pth", {key: plain, "epoch": 3, "loss": 0.5, "name": "run", "best": None}, plain)
    for protocol in (2, 3, 4, 5):
        save(f"protocol{protocol}.pth", plain, plain, pickle_protocol=protocol)
        save(f"legacy{protocol}.pth", plain, plain, pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    save("data-parallel.pth", nn.DataParallel(model).state_dict(), {f"module.{k}": v for k, v in plain.items()})
    save("parameters.pth", dict(model.named_parameters()), dict(model.named_parameters()))
    every = torch.arange(60.0).reshape(3, 4, 5)
    views = {
        "turned": every.permute(2, 1, 0),
        "part": every[1:, ::2, 3:],
        "same": every,
        "one": every[2, 1, 4],
        "row": every[1],
    }
    views["wide"] = torch.ones(4, 4).narrow(1, 1, 2)
    for kind, options in (("", {}), ("legacy-", {"_use_new_zipfile_serialization": False})):
        save(f"{kind}shared.pth", views, views, **options)
    types = [
        torch.float64,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
    ]
    typed = {str(one): torch.tensor([0, 1, 100]).to(one) for one in [*types, torch.bool]}
    save("types.pth", typed, typed)
    save(
        "empty.pth",
        {"none": torch.zeros(0, 3), "nothing": torch.zeros(())},
        {"none": torch.zeros(0, 3), "nothing": torch.zeros(())},
    )

    save("model.pth", model)
    save("legacy-model.pth", model, _use_new_zipfile_serialization=False)
    save("model-beside.pth", {"state_dict": plain, "net": model})
    save("namespace.pth", {"model": plain, "args": argparse.Namespace(lr=0.1)})
    save("numpy.pth", {"model": plain, "best": np.float64(0.5)})
    save("array.pth", {"w": np.zeros(3)})
    save("sparse.pth", {"w": torch.eye(3).to_sparse()})
    save("complex.pth", {"w": torch.zeros(2, dtype=torch.complex64)})
    save("quantized.pth", {"w": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)})
    save("tensor.pth", torch.ones(3))
    save("list.pth", [torch.ones(3)])
    save("text.pth", "weights")
    torch.jit.save(torch.jit.script(model.eval()), path("script.pt"))
    np.savez(path("arrays.npz"), w=np.zeros(3))
    np.save(path("array.npy"), np.zeros(3))
    with zipfile.ZipFile(path("empty.zip"), "w"):
        pass
    with open(path("state_dict.pth"), "rb") as file:
        content = file.read()
    for share in (0.1, 0.5, 0.9, 0.999):
        with open(path(f"cut-at-{share}.pth"), "wb") as file:
            file.write(content[: int(len(content) * share)])
    with open(path("expected.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file)


if __name__ == "__main__":
    main(sys.argv[1])
