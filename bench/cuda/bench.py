#!/usr/bin/env python3
"""Times the plugin's operations on device arrays beside its peers, and writes bench/results/cuda/<device>-<date>.json.

    bench/cuda/bench.py [--library PATH] [--only WORD] [--quick] [--out FOLDER]

Every result is checked against a peer before it is timed. A time is the best of several groups of calls, each group ended by
waiting for the device. Without a GPU, with the emulated library and --quick, everything runs on the processor: that rehearses the
program, and the times mean nothing."""
import argparse
import datetime
import json
import os
import re

import numpy as np
import torch
import torchvision

import peers
from measure import Bench, check_close
from operations import Grid
from plugin import DEVICE, DTYPES, HOST, Anchors, GroundTruth, MatchOptions, Plugin

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CLASSES, SCALES, RATIOS = 80, [1, 2 ** (1 / 3), 2 ** (2 / 3)], [0.5, 1, 2]
BENCHES = []


def bench(function):
    BENCHES.append(function)
    return function


DTYPE_OF = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


@bench
def focal_loss(b):
    rows = 2000 if b.quick else 1600000  # 128 M logits
    for dtype in DTYPE_OF if b.device == "cuda" else [torch.float32]:
        x = b.normal(rows, CLASSES, mean=-4, deviation=1.5, dtype=dtype)
        labels = torch.randint(-1, CLASSES, (rows,), device=b.device, generator=b.random, dtype=torch.int32)
        labels[torch.rand(rows, device=b.device, generator=b.random) < 0.99] = -1
        sums, grad = torch.zeros(2, dtype=torch.float64, device=b.device), torch.empty_like(x)
        b.wait()
        fields = {
            **dict(dtype=DTYPES[DTYPE_OF[dtype]], logits=x, labels=labels, rows=rows, classes=CLASSES, alpha=b.alpha),
            **dict(gamma=b.gamma, normalizer=1.0, loss_sum=sums, num_positive=sums.data_ptr() + 8),
        }
        for with_grad in (False, True):
            call = lambda: b.run("focal_loss", **fields, grad=grad if with_grad else None)
            call()
            b.wait()
            others = {}
            for peer, function in peers.focal_peers(x, labels, with_grad).items():
                # float32 sums of 128 M terms and half-precision intermediates are the peers' own; ours is checked by check.py.
                rough = 1e-3 if dtype == torch.float32 else 5e-2
                try:
                    loss, peer_grad = function()
                    check_close(loss.cpu(), sums[0].cpu(), rough, "the loss")
                    if with_grad:
                        check_close(peer_grad[:1000], grad[:1000], rough, "the gradient", absolute=rough / 10)
                except Exception as error:
                    if peer == "torchvision" and dtype == torch.float32 and isinstance(error, ValueError):
                        raise
                    print(f"  {peer} is left out: {error!r:.200}")
                    continue
                del loss, peer_grad
                others[peer] = b.time(function, groups=3)
            size = x.numel() * x.element_size()
            name = f"focal loss{' and gradient' if with_grad else ''}, {x.numel() / 1e6:.1f} M {DTYPE_OF[dtype]}"
            limit = ("copy", b.copy) if with_grad else ("read", b.read)
            b.row(name, b.time(call), (2 if with_grad else 1) * size + 4 * rows, limit, others)


def scene(b):
    """A grid of an 800x1344 image, 16 images with 300 boxes each."""
    side, images, boxes = ((96, 128), 2, 6) if b.quick else ((800, 1344), 16, 300)
    strides = [8, 16, 32, 64, 128]
    grid = Grid(*side, strides, [4 * s for s in strides], SCALES, RATIOS)
    centre = torch.rand(images * boxes, 2, device=b.device, generator=b.random) * torch.tensor(side[::-1], device=b.device)
    size = 8 + torch.rand(images * boxes, 2, device=b.device, generator=b.random) ** 2 * (side[0] / 2)
    gt = torch.cat([centre - size / 2, centre + size / 2], 1).contiguous()
    labels = torch.randint(0, CLASSES, (len(gt),), device=b.device, generator=b.random, dtype=torch.int32)
    offsets = np.arange(0, len(gt) + 1, boxes, dtype=np.int32)
    anchors = torch.empty(grid.count, 4, device=b.device)
    b.wait()
    b.run("grid_boxes", anchors=grid.describe(None), out=anchors)
    b.wait()
    truth = GroundTruth(DEVICE, images, gt.data_ptr(), labels.data_ptr(), offsets.ctypes.data, None, None)
    return grid, side, images, gt, labels, offsets, anchors, truth


MATCH = MatchOptions(0.5, 0.4, 0.5, 1)


@bench
def assign(b):
    grid, _, images, gt, _, offsets, anchors, truth = scene(b)
    labels, matches = (torch.empty(images * grid.count, dtype=torch.int32, device=b.device) for _ in range(2))
    positives, matched = np.zeros(images, np.int64), np.zeros(len(gt), np.uint8)
    others = peers.assign(anchors, gt, offsets)
    seconds = b.time(lambda: peers.assign(anchors, gt, offsets), groups=2)
    listed = Anchors(grid.count, anchors.data_ptr(), None, 0, 0)
    for name, described in (("grid", grid.describe(None)), ("list", listed)):
        fields = dict(anchors=described, truth=truth, options=MATCH, labels=labels, matches=matches)
        fields.update(positive_counts=positives.ctypes.data, gt_matched=matched.ctypes.data)
        b.run("assign", **fields)
        b.wait()
        for image, want in enumerate(others):
            got = matches[image * grid.count : (image + 1) * grid.count]
            got = torch.where(got >= 0, got - int(offsets[image]), got)
            if not torch.equal(got.long(), want):
                raise ValueError(f"matches on a {name} differ from torchvision's")
        title = f"assign, {images} images x {grid.count} anchors ({name}) x {len(gt) // images} boxes"
        b.row(title, b.time(lambda: b.run("assign", **fields)), others={"torchvision": seconds})


@bench
def retinanet_loss(b):
    grid, _, images, gt, labels, offsets, anchors, truth = scene(b)
    for dtype in (torch.float32, torch.bfloat16) if b.device == "cuda" else (torch.float32,):
        x = b.normal(images, grid.count, CLASSES, mean=-4, deviation=1.5, dtype=dtype)
        d = b.normal(images, grid.count, 4, deviation=0.3, dtype=dtype)
        sums, grads = torch.zeros(4, dtype=torch.float64, device=b.device), (torch.empty_like(x), torch.empty_like(d))
        b.wait()
        fields = {
            **dict(dtype=DTYPES[DTYPE_OF[dtype]], class_logits=x, box_deltas=d, anchors=grid.describe(None), truth=truth),
            **dict(match=MATCH, classes=CLASSES, alpha=b.alpha, gamma=b.gamma, beta=1 / 9, box_weight=1.0, normalizer=1.0),
            **dict(normalize_by_positives=1, class_grad=grads[0], box_grad=grads[1], loss=sums),
            **{k: sums.data_ptr() + 8 * (i + 1) for i, k in enumerate(("class_loss", "box_loss", "num_positive"))},
        }
        b.run("retinanet_loss", **fields)
        b.wait()
        others = {}
        if dtype == torch.float32:
            peer = lambda: peers.retinanet_loss(x, d, anchors, gt, labels, offsets)
            loss, class_grad, box_grad = peer()
            check_close(loss.cpu(), sums[0].cpu(), 1e-3, "torchvision's RetinaNet loss")
            check_close(class_grad[:, ::97].float(), grads[0][:, ::97].float(), 1e-3, "its gradient", absolute=1e-9)
            check_close(box_grad.float(), grads[1].float(), 1e-3, "its box gradient", absolute=1e-6)
            del loss, class_grad, box_grad
            others = {"torchvision": b.time(peer, groups=2)}
        moved = 2 * (x.numel() + d.numel()) * x.element_size()
        name = f"retinanetLoss, {x.numel() / 1e6:.1f} M {DTYPE_OF[dtype]}"
        b.row(name, b.time(lambda: b.run("retinanet_loss", **fields)), moved, ("copy", b.copy), others)


@bench
def nms(b):
    for count in (100, 1000) if b.quick else (1000, 10000, 100000):
        corner = torch.rand(count, 2, device=b.device, generator=b.random) * 1000
        size = 10 + torch.rand(count, 2, device=b.device, generator=b.random) * 90
        boxes, scores = torch.cat([corner, corner + size], 1).contiguous(), torch.randperm(count, device=b.device) / count
        keep, num_keep = torch.empty(count, dtype=torch.int32, device=b.device), np.zeros(1, np.int64)
        b.wait()
        fields = dict(boxes=boxes, scores=scores, count=count, iou_threshold=0.5, max_output=count, keep=keep)
        call = lambda: b.run("nms", **fields, num_keep=num_keep.ctypes.data)
        call()
        b.wait()
        want = peers.nms(boxes, scores, 0.5)
        if not torch.equal(keep[: num_keep[0]].long(), want):
            raise ValueError("kept boxes differ from torchvision's")
        others = {"torchvision": b.time(lambda: peers.nms(boxes, scores, 0.5))}
        b.row(f"nms, {count} boxes, {num_keep[0]} kept", b.time(call), others=others)


@bench
def decode_detections(b):
    grid, side, images, *_, anchors, _ = scene(b)
    x = b.normal(images, grid.count, CLASSES, mean=-6, deviation=1.2)
    d = b.normal(images, grid.count, 4, deviation=0.2)
    score, top_k, threshold, most = settings = 0.05, 1000, 0.5, 300
    counts, offsets = np.array(grid.counts, np.int64), np.zeros(images + 1, np.int32)
    boxes, scores = torch.empty(images * most, 4, device=b.device), torch.empty(images * most, device=b.device)
    labels = torch.empty(images * most, dtype=torch.int32, device=b.device)
    b.wait()
    fields = {
        **dict(dtype=0, class_logits=x, box_deltas=d, anchors=grid.describe(None), level_counts=counts.ctypes.data),
        **dict(num_levels=len(counts), images=images, classes=CLASSES, image_height=side[0], image_width=side[1]),
        **dict(score_threshold=score, top_k=top_k, iou_threshold=threshold, max_detections=most, boxes=boxes),
        **dict(scores=scores, labels=labels, offsets=offsets.ctypes.data),
    }
    call = lambda: b.run("decode_detections", **fields)
    call()
    b.wait()
    peer = lambda: peers.decode_detections(x, d, anchors, grid.counts, side, settings)
    for image, want in enumerate(peer()):
        rows = slice(offsets[image], offsets[image + 1])
        # torchvision sorts equal float32 scores as it likes, and offsets coordinates by class: scores must agree, roughly.
        if abs(len(want["scores"]) - len(scores[rows])) > 3:
            raise ValueError(f"{len(scores[rows])} detections, torchvision has {len(want['scores'])}")
        same = min(len(want["scores"]), len(scores[rows]))
        check_close(scores[rows][:same], want["scores"][:same], 1e-2, "scores of detections")
    others = {"torchvision": b.time(peer, groups=2)}
    name = f"decodeDetections, {images} images, {x.numel() / 1e6:.1f} M logits"
    b.row(name, b.time(call), 4 * x.numel(), ("read", b.read), others)


@bench
def host_arrays(b):
    """The focal loss from and to the host's memory, beside plain copies from and to pinned memory, both ways at once."""
    rows = 2000 if b.quick else 1600000
    size = 4 * rows * CLASSES
    pinned = [b.plugin.pinned(size) for _ in range(2)]
    arrays = [np.frombuffer(p, np.float32).reshape(rows, CLASSES) for p in pinned]
    arrays[0][:] = np.random.default_rng(1).normal(-4, 1.5, (4096, CLASSES))[np.arange(rows) % 4096]
    plain = [arrays[0].copy(), np.empty_like(arrays[0])]
    labels, sums = np.full(rows, -1, np.int32), np.zeros(2)
    labels[::100] = np.arange(len(labels[::100])) % CLASSES
    both = None
    if b.device == "cuda":
        device = [torch.empty(rows, CLASSES, device="cuda") for _ in range(2)]
        host = [torch.empty(rows, CLASSES, pin_memory=True) for _ in range(2)]
        streams = [torch.cuda.Stream() for _ in range(2)]

        def copies():
            with torch.cuda.stream(streams[0]):
                device[0].copy_(host[0], non_blocking=True)
            with torch.cuda.stream(streams[1]):
                host[1].copy_(device[1], non_blocking=True)

        both = 2 * size / b.time(copies, groups=3)
        b.row("pinned copies, both ways at once", 2 * size / both, 2 * size)
    gradients = []
    for name, (x, grad) in (("pinned", arrays), ("plain", plain)):
        fields = {
            **dict(dtype=0, logits=x.ctypes.data, labels=labels.ctypes.data, rows=rows, classes=CLASSES, alpha=b.alpha),
            **dict(gamma=b.gamma, normalizer=1.0, grad=grad.ctypes.data, loss_sum=sums.ctypes.data),
            **dict(num_positive=sums.ctypes.data + 8),
        }
        seconds = b.time(lambda: b.run("focal_loss", HOST, **fields), groups=3)
        gradients.append(grad[:: max(1, rows // 1000)].copy())
        limit = ("pinned copies", both) if both else None
        b.row(f"focal loss and gradient, {name} host arrays", seconds, 2 * size, limit)
    if not np.array_equal(*gradients):
        raise ValueError("pinned and plain arrays give different gradients")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", default=os.path.join(ROOT, "build", "Release", "retinanet_ops_cuda.so"))
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", default=os.path.join(ROOT, "bench", "results", "cuda"))
    arguments = parser.parse_args()
    plugin = Plugin(arguments.library)
    emulated = plugin.device_info().name.decode().startswith("Emulated")
    if emulated != (not torch.cuda.is_available()):
        raise SystemExit("a GPU's library needs a torch with CUDA; the emulated one a torch without")
    torch.manual_seed(1)
    b = Bench(plugin, arguments.quick)
    info, (driver, runtime) = plugin.device_info(), plugin.versions()
    absent = list(peers.missing())
    print(f"{info.name.decode()}, driver {driver}, CUDA {runtime}, torch {torch.__version__}", *absent, sep="\n  absent: ")
    b.limits()
    for function in BENCHES:
        if arguments.only in function.__name__:
            function(b)
    if emulated:
        print("rehearsed on the emulator; nothing is written")
        return
    now = datetime.datetime.now(datetime.timezone.utc)
    result = {
        **dict(device=info.name.decode(), compute=f"{info.compute_major}.{info.compute_minor}", driver=driver),
        **dict(cuda=runtime, torch=torch.__version__, torchvision=torchvision.__version__, date=now.isoformat("T", "seconds")),
        **dict(quick=arguments.quick, absent=absent, rows=b.rows),
    }
    os.makedirs(arguments.out, exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", info.name.decode().lower()).strip("-")
    path = os.path.join(arguments.out, f"{name}-{now:%Y-%m-%d}.json")
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    print(os.path.relpath(path, ROOT))


if __name__ == "__main__":
    main()
