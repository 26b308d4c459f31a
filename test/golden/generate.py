#!/usr/bin/env python3
"""Writes the golden vectors of this folder from torchvision.

    apt-get install python3-torchvision python3-mpmath  # Debian 12: torch 1.13, torchvision 0.14, mpmath 1.2
    /usr/bin/python3 test/golden/generate.py [NAME ...]

Debian's torchvision belongs to Debian's interpreter, which need not be the first python3 on PATH.
Names are those of the files in generators/, each of which writes one file of this folder; without names all are run.

Arrays are {"shape": [...], "f32" | "f64" | "i32" | "u8": base64 of the little-endian bytes}.
Every random input comes from a seed, so a second run writes the same bytes.
"""

import importlib
import os
import sys

GENERATORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generators")

if __name__ == "__main__":
    sys.path.insert(0, GENERATORS)
    names = sorted(name[:-3] for name in os.listdir(GENERATORS) if name.endswith(".py") and name != "golden.py")
    for chosen in sys.argv[1:] or names:
        importlib.import_module(chosen).generate()
