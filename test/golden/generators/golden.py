"""What the generators share: arrays, files, boxes and grids."""

import base64
import json
import os

import numpy as np
import torch

torch.set_num_threads(1)

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CODES = {"float32": "f32", "float64": "f64", "int32": "i32", "uint8": "u8"}


def array(values, dtype):
    values = np.ascontiguousarray(np.asarray(values), dtype=np.dtype(dtype).newbyteorder("<"))
    return {"shape": list(values.shape), CODES[dtype]: base64.b64encode(values.tobytes()).decode()}


def write(name, cases):
    path = os.path.join(FOLDER, name)
    header = {"torch": torch.__version__, "cases": len(cases)}
    with open(path, "w") as file:
        file.write('{"made": %s, "cases": [\n' % json.dumps(header))
        file.write(",\n".join(json.dumps(case) for case in cases))
        file.write("\n]}\n")
    print(name, len(cases), "cases,", os.path.getsize(path), "bytes")


def random_boxes(rng, count, extent=100, smallest=4, largest=60, integer=False):
    size = rng.uniform(smallest, largest, (count, 2))
    corner = rng.uniform(0, 1, (count, 2)) * (extent - size)
    boxes = np.concatenate([corner, corner + size], 1)
    if integer:
        boxes = np.round(boxes)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes.astype(np.float32)


def anchor_grid(height, width, strides, base_sizes, scales, ratios):
    """Level, row, column, scale, ratio; half sizes in float64 rounded to float32, corners rounded once more."""
    levels = []
    for stride, base in zip(strides, base_sizes):
        halves = [(base * s / np.sqrt(r) / 2, base * s * np.sqrt(r) / 2) for s in scales for r in ratios]
        half = np.array(halves, dtype=np.float64).astype(np.float32)
        rows, columns = -(-height // stride), -(-width // stride)
        cy, cx = np.meshgrid((np.arange(rows) + 0.5) * stride, (np.arange(columns) + 0.5) * stride, indexing="ij")
        centres = np.stack([cx, cy], -1).astype(np.float32)[:, :, None, :]
        levels.append(np.concatenate([centres - half, centres + half], -1).reshape(-1, 4).astype(np.float32))
    return levels
