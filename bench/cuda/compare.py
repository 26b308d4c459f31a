"""The list of checks, golden vectors, random boxes, and what counts as equal."""

import base64
import json
import os

import numpy as np

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "test", "golden")
TYPES = {"f32": "<f4", "f64": "<f8", "i32": "<i4", "u8": "u1"}


CHECKS = []


class Skipped(Exception):
    """A check that cannot run here, and why."""


def check(function=None, device=False):
    """Marks a check of Operations; or, of device memory alone, of a plugin and a number of logits."""
    if function is None:
        return lambda marked: check(marked, device)
    CHECKS.append((function, device))
    return function


def golden(name):
    with open(os.path.join(GOLDEN, name)) as file:
        cases = json.load(file)["cases"]
    assert cases, name
    return [unpacked(case) for case in cases]


def unpacked(value):
    """Arrays of test/golden/generate.py: {"shape": ..., "f32": base64}."""
    if isinstance(value, list):
        return [unpacked(v) for v in value]
    if not isinstance(value, dict):
        return value
    code = next((c for c in TYPES if c in value), None)
    if code is None:
        return {key: unpacked(v) for key, v in value.items()}
    return np.frombuffer(base64.b64decode(value[code]), TYPES[code]).reshape(value["shape"]).copy()


def equal(got, want):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{got.shape} instead of {want.shape}"
    wrong = np.flatnonzero((got != want).ravel())
    assert wrong.size == 0, (
        f"at {wrong[0]}: {got.ravel()[wrong[0]]} instead of {want.ravel()[wrong[0]]}, {wrong.size} wrong"
    )


def close(got, want, relative, scale=None, absolute=0.0):
    got, want = np.asarray(got, np.float64), np.asarray(want, np.float64)
    assert got.shape == want.shape, f"{got.shape} instead of {want.shape}"
    # Below float32's normal numbers only their spacing counts.
    error = np.abs(got - want) - absolute - 2.0**-148
    worst = np.max(error - relative * np.abs(want if scale is None else scale), initial=-1)
    assert worst <= 0, f"off by {np.max(error):.3g}, {worst:.3g} too much"


def random_boxes(rng, count, extent, smallest, largest):
    corner, size = rng.uniform(0, extent, (count, 2)), rng.uniform(smallest, largest, (count, 2))
    return np.concatenate([corner, corner + size], 1).astype(np.float32)


def random_truth(rng, counts, extent, classes):
    offsets = np.cumsum([0, *counts]).astype(np.int32)
    labels = rng.integers(0, classes, offsets[-1]).astype(np.int32)
    return random_boxes(rng, offsets[-1], extent, 4, extent / 3), labels, offsets
