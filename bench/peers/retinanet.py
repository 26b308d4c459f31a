"""The networks of lib/retinanet/model in PyTorch, from our weights, with torchvision's matching and losses; trained as trainRetinaNet does.

Answers the questions of bench/training: "network" builds it, "gradient" compares, "steps" trains, "infer" detects.
"""

import math
import resource
import time

import numpy as np
import torch
import torch.nn.functional as F

from torchvision.models.detection import _utils as det_utils
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, sigmoid_focal_loss

# Blocks of every stage; the first of them has the stride.
STAGES = {"compact": [(2, 1), (2, 2), (2, 2), (1, 2)], "resnet50-fpn": [(3, 1), (4, 2), (6, 2), (3, 2)]}


class Network:
    """The weights by our names, and the forward pass from images [B, 3, H, W] to logits [B, A, K] and deltas [B, A, 4]."""

    def __init__(self, arrays, q):
        self.preset, self.levels, self.depth = q["preset"], q["levels"], q["depth"]
        self.num_classes = q["numClasses"]
        self.format = torch.channels_last if q["layout"] == "channels_last" else torch.contiguous_format
        self.weights = {}
        offset = 0
        for weight in q["weights"]:
            size = int(np.prod(weight["shape"]))
            value = torch.from_numpy(arrays["weights"][offset : offset + size].copy()).view(weight["shape"])
            offset += size
            if value.dim() == 4:
                value = value.permute(3, 2, 0, 1).contiguous(memory_format=self.format)
            self.weights[weight["name"]] = value.requires_grad_(weight["trainable"])
        self.trainable = [w["name"] for w in q["weights"] if w["trainable"]]
        for name in [n for n in self.weights if n.endswith("/moving_variance")]:
            self.fold(name[: -len("/moving_variance")])
        images = arrays["images"].reshape(q["batch"], q["height"], q["width"], 3)
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=self.format)
        self.anchors = torch.from_numpy(arrays["anchors"]).view(-1, 4)
        offsets = arrays["offsets"]
        self.truth = [
            (torch.from_numpy(arrays["boxes"]).view(-1, 4)[i:j], torch.from_numpy(arrays["labels"])[i:j].long())
            for i, j in zip(offsets, offsets[1:])
        ]

    def fold(self, name):
        """A batch normalisation that never learns is a factor and a term, as in torchvision's FrozenBatchNorm2d."""
        gamma, beta, mean, variance = (
            self.weights[name + part] for part in ("/gamma", "/beta", "/moving_mean", "/moving_variance")
        )
        scale = gamma * (variance + 1e-5).rsqrt()
        self.weights[name] = (scale.view(1, -1, 1, 1), (beta - mean * scale).view(1, -1, 1, 1))

    def norm(self, name, x):
        scale, shift = self.weights[name]
        return x * scale + shift

    def same(self, name, x, stride=1):
        """TensorFlow's padding: what is odd of it comes after."""
        kernel, bias = self.weights[name + "/kernel"], self.weights[name + "/bias"]
        k = kernel.shape[2]
        total = [max((math.ceil(n / stride) - 1) * stride + k - n, 0) for n in x.shape[2:]]
        if all(t % 2 == 0 for t in total):
            return F.conv2d(x, kernel, bias, stride, [t // 2 for t in total])
        (top, left) = (t // 2 for t in total)
        return F.conv2d(F.pad(x, (left, total[1] - left, top, total[0] - top)), kernel, bias, stride)

    def compact(self, x):
        x = self.same("stem", x, 4)
        maps = []
        for s, (blocks, first) in enumerate(STAGES["compact"]):
            for b in range(blocks):
                name, stride = "stage%d_block%d" % (s + 2, b + 1), first if b == 0 else 1
                branch = F.relu(self.same(name + "_conv1", F.relu(x), stride))
                branch = self.same(name + "_conv2", branch)
                x = (x if stride == 1 else self.same(name + "_shortcut", x, stride)) + branch
            maps.append(x)
        return maps[1:]

    def conv_norm(self, name, x, stride=1):
        kernel = self.weights[name + "_conv/kernel"]
        return self.norm(name + "_bn", F.conv2d(x, kernel, None, stride, kernel.shape[2] // 2))

    def resnet(self, x):
        x = F.max_pool2d(F.relu(self.conv_norm("conv1", x, 2)), 3, 2, 1)
        maps = []
        for s, (blocks, first) in enumerate(STAGES["resnet50-fpn"]):
            for b in range(blocks):
                name, stride = "res%d_%d" % (s + 2, b + 1), first if b == 0 else 1
                branch = F.relu(self.conv_norm(name + "_a", x))
                branch = F.relu(self.conv_norm(name + "_b", branch, stride))
                branch = self.conv_norm(name + "_c", branch)
                x = F.relu((self.conv_norm(name + "_shortcut", x, stride) if b == 0 else x) + branch)
            maps.append(x)
        return maps[1:]

    def pyramid(self, features):
        first, last = self.levels
        maps, above = [], None
        for level in range(min(last, 5), min(first, 5) - 1, -1):
            total = self.same("lateral%d" % level, features[level - 3])
            if above is not None:
                enlarged = F.interpolate(above, scale_factor=2, mode="nearest")
                total = total + enlarged[:, :, : total.shape[2], : total.shape[3]]
            above = total
            maps.insert(0, self.same("p%d" % level, total))
        for level in range(6, last + 1):
            below = F.relu(maps[-1]) if level > 6 else maps[-1]
            kernel, bias = self.weights["p%d/kernel" % level], self.weights["p%d/bias" % level]
            maps.append(F.conv2d(below, kernel, bias, 2, 1))
        return maps[-(last - first + 1) :]

    def subnet(self, name, values, maps):
        rows = []
        for x in maps:
            for i in range(self.depth):
                x = F.relu(self.same("%s_conv%d" % (name, i + 1), x))
            x = self.same(name + "_output", x)
            rows.append(x.permute(0, 2, 3, 1).reshape(len(x), -1, values))
        return torch.cat(rows, 1)

    def forward(self, images):
        x = self.norm("normalize_input", images)
        maps = self.pyramid(self.compact(x) if self.preset == "compact" else self.resnet(x))
        return self.subnet("class_logits", self.num_classes, maps), self.subnet("box_deltas", 4, maps)

    def loss(self):
        """Sums of class and box loss over max(1, positives), as torchvision's RetinaNet computes them image by image."""
        matcher, coder = det_utils.Matcher(0.5, 0.4, True), det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
        logits, deltas = self.forward(self.images)
        class_loss, box_loss, positives = 0, 0, 0
        for (boxes, labels), logit, delta in zip(self.truth, logits, deltas):
            matches = matcher(box_iou(boxes, self.anchors))
            found = torch.where(matches >= 0)[0]
            target = torch.zeros_like(logit)
            target[found, labels[matches[found]]] = 1
            used = matches != matcher.BETWEEN_THRESHOLDS
            class_loss = class_loss + sigmoid_focal_loss(logit[used], target[used], 0.25, 2.0, "sum")
            wanted = coder.encode_single(boxes[matches[found]], self.anchors[found])
            box_loss = box_loss + F.smooth_l1_loss(delta[found], wanted, reduction="sum", beta=1 / 9)
            positives += len(found)
        return class_loss / max(1, positives), box_loss / max(1, positives)

    def parameters(self):
        return [self.weights[name] for name in self.trainable]


class Trainer:
    """The recipe of trainRetinaNet: Adam with half a cosine, the gradient's norm clipped, a moving average of the weights."""

    def __init__(self, network, learning_rate):
        self.network, self.count = network, 0
        self.parameters = network.parameters()
        self.learning_rate = learning_rate
        self.optimizer = torch.optim.Adam(self.parameters, learning_rate, foreach=True)
        self.average = [p.detach().clone() for p in self.parameters]

    def step(self, steps=10**9):
        rate = self.learning_rate * (1 + math.cos(math.pi * self.count / steps)) / 2
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        class_loss, box_loss = self.network.loss()
        (class_loss + box_loss).backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimizer.step()
        decay = min(0.98, (1 + self.count) / (10 + self.count))
        with torch.no_grad():
            torch._foreach_mul_(self.average, decay)
            torch._foreach_add_(self.average, self.parameters, alpha=1 - decay)
        self.count += 1
        return float(class_loss.detach() + box_loss.detach())


state = {}


def network(arrays, q):
    state.clear()
    state["network"] = Network(arrays, q)
    state["trainer"] = Trainer(state["network"], q["learningRate"])
    return {}


def gradient(arrays, q):
    """Loss and, for each weight, how far our gradient is from this one, over the length of this one."""
    net = state["network"]
    class_loss, box_loss = net.loss()
    gradients = torch.autograd.grad(class_loss + box_loss, net.parameters())
    gradients = [g.permute(2, 3, 1, 0) if g.dim() == 4 else g for g in gradients]
    errors, offset = {}, 0
    for name, theirs in zip(net.trainable, gradients):
        ours = torch.from_numpy(arrays["gradient"][offset : offset + theirs.numel()]).view(theirs.shape)
        offset += theirs.numel()
        errors[name] = float((ours - theirs).norm() / theirs.norm().clamp_min(1e-30))
    return {"classLoss": float(class_loss), "boxLoss": float(box_loss), "errors": errors}


def steps(_arrays, q):
    """Losses of a training of so many steps."""
    return {"losses": [state["trainer"].step(q["steps"]) for _ in range(q["steps"])]}


def infer():
    net = state["network"]
    size = tuple(net.images.shape[2:])
    coder = det_utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
    with torch.no_grad():
        logits, deltas = net.forward(net.images)
        for logit, delta in zip(logits, deltas):
            scores = torch.sigmoid(logit).flatten()
            kept = torch.where(scores > 0.05)[0]
            scores, order = scores[kept].topk(min(1000, len(kept)))
            rows, labels = kept[order] // net.num_classes, kept[order] % net.num_classes
            boxes = clip_boxes_to_image(coder.decode_single(delta[rows], net.anchors[rows]), size)
            batched_nms(boxes, scores, labels, 0.5)[:300]


def timed(_arrays, q):
    """Milliseconds of steps or detections, as many as fit; the first one or two of them do not count."""
    run = state["trainer"].step if q["what"] == "step" else infer
    times = []
    run()
    while len(times) < q["atLeast"] or sum(times) < 1e3 * q["seconds"]:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return {"times": times, "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


OPERATIONS = {f.__name__: f for f in (network, gradient, steps, timed)}
