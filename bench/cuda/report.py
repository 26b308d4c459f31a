#!/usr/bin/env python3
"""A table of what cuda.jsonl in a folder holds, and cuda.json beside it: the last of each result, with its peers and ratios.

bench/cuda/report.py FOLDER"""

import json
import os
import sys


def lines(folder):
    with open(os.path.join(folder, "cuda.jsonl")) as file:
        for number, text in enumerate(file, 1):
            try:
                yield json.loads(text)
            except ValueError:
                print(f"line {number} of cuda.jsonl is no JSON, and left out: {text[:60]!r}")


def collect(folder):
    """Rows by name, each with its peers; peers that are absent, {peer: why}; outcomes of the steps."""
    rows, peers, absent, steps = {}, {}, {}, {}
    for line in lines(folder):
        kind = line.pop("kind")
        if kind == "row":
            rows[line["name"]] = line
        elif kind == "peer":
            peers[line["name"], line["peer"]] = line
        elif kind == "absent":
            absent[line["peer"]] = line["why"]
        elif kind == "step":
            steps[line["step"]] = line
    for (name, peer), line in peers.items():
        if name in rows:
            ratio = line["microseconds"] / rows[name]["microseconds"]
            rows[name].setdefault("peers", {})[peer] = {"microseconds": line["microseconds"], "ratio": ratio}
    return {"rows": list(rows.values()), "absent": absent, "steps": list(steps.values())}


def text_of(row):
    text = f"{row['name']:58s} {row['microseconds']:12.1f} us"
    if "gigabytesPerSecond" in row:
        text += f" {row['gigabytesPerSecond']:8.1f} GB/s"
    if "ofLimit" in row:
        text += f" {100 * row['ofLimit']['fraction']:5.1f} % of {row['ofLimit']['limit']}"
    peers = sorted(row.get("peers", {}).items(), key=lambda item: item[1]["ratio"])
    return text + "".join(f"; {name} {peer['ratio']:.2f}x" for name, peer in peers)


def main(folder):
    result = collect(folder)
    path = os.path.join(folder, "cuda.json")
    with open(path + ".new", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)
    for row in result["rows"]:
        print(text_of(row))
    for peer, why in result["absent"].items():
        print(f"absent: {peer} ({why})")


if __name__ == "__main__":
    main(*sys.argv[1:])
