#!/usr/bin/env python3
"""Times one case of cases.py, or one of its peers on the same data. Results are checked before anything is timed.

    bench/cuda/bench.py CASE [--peer PEER] [--library PATH] [--out FOLDER] [--quick]
    bench/cuda/bench.py CASE --once      # checks, and times nothing: for a profiler
    bench/cuda/bench.py --list           # the cases; with --peers: a case and a peer a line

A line of JSON for each result goes to cuda.jsonl in the folder (report.py makes a table of it). Exit status 3: the peer is absent here.
With the emulated library and --quick everything runs on the processor: that rehearses the program, and the times mean nothing."""

import argparse
import os
import sys

import cases
from measure import Bench, record, torch, torch_device, turn
from plugin import Plugin

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
ABSENT = 3


def environment(plugin):
    driver, runtime = plugin.versions()
    return {
        **dict(device=plugin.name, compute=f"{plugin.info.compute_major}.{plugin.info.compute_minor}"),
        **dict(driver=driver, cuda=runtime, torch=torch.__version__ if torch else None),
    }


def called(b, name):
    """A case each of whose calls has been made once."""
    kind, *arguments = cases.CASES[name]
    case = kind(b, *arguments)
    for call, _, _ in case.calls.values():
        call()
    b.wait()
    return case


def time_case(b, out, case, name):
    limits = b.limits()
    if any(limit == "bus" for _, _, limit in case.calls.values()):
        limits["bus"] = b.bus()
    for title, (call, moved, limit) in case.calls.items():
        row = {"kind": "row", "case": name, "name": title, **b.time(call), "quick": b.quick, **environment(b.plugin)}
        row["limits"] = {key: value and value / 1e9 for key, value in limits.items()}
        if moved:
            rate = moved / row["microseconds"] * 1e6
            row.update(bytes=moved, gigabytesPerSecond=rate / 1e9)
            if limits[limit]:
                row["ofLimit"] = {"limit": limit, "fraction": rate / limits[limit]}
        record(out, **row)
        print(title, f"{row['microseconds']:.1f} us ({row['clock']})", flush=True)


def time_peer(b, out, case, name, peer):
    import peers  # needs torch and torchvision

    calls = peers.calls(peer, case, b.device)
    for call, verify in calls.values():
        verify(call())
    with turn(out):
        for title, (call, _) in calls.items():
            record(out, kind="peer", case=name, name=title, peer=peer, **b.time(call, of_torch=True, groups=3))
            print(title, peer, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case", nargs="?", choices=cases.CASES)
    parser.add_argument("--peer")
    parser.add_argument("--library", default=os.path.join(ROOT, "build", "Release", "retinanet_ops_cuda.so"))
    parser.add_argument("--out", default=os.path.join(ROOT, "bench", "results"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--peers", action="store_true")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (kind, *_) in cases.CASES.items():
            for peer in kind.peers if arguments.peers else ("",):
                print(name, peer)
        return 0
    if arguments.case is None:
        parser.error("a case is needed; --list names them")
    plugin = Plugin(arguments.library)
    b = Bench(plugin, arguments.quick)
    if not arguments.peer:
        case = called(b, arguments.case)
        case.check()
        if not arguments.once:
            with turn(arguments.out):
                time_case(b, arguments.out, case, arguments.case)
        return 0
    try:
        if torch_device(plugin) is None:
            raise ImportError("no torch, or none that computes on this device")
        time_peer(b, arguments.out, called(b, arguments.case), arguments.case, arguments.peer)
    except ImportError as why:
        record(arguments.out, kind="absent", case=arguments.case, peer=arguments.peer, why=str(why))
        print(f"absent: {why}")
        return ABSENT
    return 0


if __name__ == "__main__":
    sys.exit(main())
