#!/usr/bin/env python3
"""Checks the plugin against the golden vectors of test/golden and float64 references. Needs numpy alone.

    bench/cuda/check.py [--library PATH] [--only WORD] [--logits COUNT]

The library may be the emulated one, then no GPU is needed. Each check runs on host and on device arrays, those on random data also
four times in the same device memory with other data each time (what was recorded the second time is replayed then). --logits: how
many the check of many takes, by default more than 2^31 on a GPU. The last line counts."""

import argparse
import glob
import importlib
import os
import sys
import time
import traceback

from compare import CHECKS, Skipped
from operations import Operations
from plugin import Plugin

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
for file in sorted(glob.glob(os.path.join(HERE, "check_*.py"))):
    importlib.import_module(os.path.basename(file)[: -len(".py")])


def runs(plugin, only, count):
    """(name, call) of everything that is to be checked."""
    for function, device in CHECKS:
        name = function.__name__.replace("_", " ")
        if only not in function.__name__:
            continue
        if device:
            yield name, lambda function=function: function(plugin, count)
            continue
        yield f"{name}, host arrays", lambda function=function: function(Operations(plugin, "host"))
        yield f"{name}, device arrays", lambda function=function: function(Operations(plugin, "device"))
        if not function.__module__.startswith("check_golden"):  # vectors that the others' arrays surpass
            yield (
                f"{name}, four times in the same memory",
                lambda function=function: function(Operations(plugin, "device", times=4)),
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", default=os.path.join(ROOT, "build", "Release", "retinanet_ops_cuda.so"))
    parser.add_argument("--only", default="")
    parser.add_argument("--logits", type=int)
    arguments = parser.parse_args()
    plugin = Plugin(arguments.library)
    count = arguments.logits or (1 << 17 if plugin.emulated else (1 << 31) + 1)
    print(f"{plugin.name}, {arguments.library}")
    counts = {"ok": 0, "FAILED": 0, "SKIPPED": 0}
    for name, call in runs(plugin, arguments.only, count):
        start, outcome = time.perf_counter(), "ok"
        try:
            said = call()
        except Skipped as reason:
            outcome, said = "SKIPPED", reason
        except Exception as error:
            at = next(frame for frame in traceback.extract_tb(error.__traceback__) if "check_" in frame.filename)
            outcome, said = "FAILED", f"{error!r} ({os.path.basename(at.filename)}:{at.lineno})"
        counts[outcome] += 1
        more = f": {said}" if said else ""
        print(f"{outcome:8s}{name}{more} ({time.perf_counter() - start:.1f} s)", flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['SKIPPED']} skipped")
    if not any(counts.values()):
        print(f"no check's name holds '{arguments.only}'")
        return 3  # nothing is wrong, nothing was done
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
