"""How the benchmarks time, against which limits, and where their results go."""

import contextlib
import datetime
import fcntl
import json
import os
import statistics
import time
from functools import partial

import numpy as np

from plugin import Buffer

try:
    import torch
except ImportError:
    torch = None


def torch_device(plugin):
    """Where peers compute: beside the plugin's device; on the processor beside the emulator's. None: not at all."""
    if torch is None:
        return None
    if plugin.emulated:
        return "cpu"
    return f"cuda:{plugin.device}" if torch.cuda.is_available() else None


def record(folder, **line):
    """Adds a line of JSON to cuda.jsonl in one write: whatever ends this process leaves whole lines."""
    os.makedirs(folder, exist_ok=True)
    line["date"] = datetime.datetime.now(datetime.timezone.utc).isoformat("T", "seconds")
    file = os.open(os.path.join(folder, "cuda.jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, (json.dumps(line) + "\n").encode())
        os.fsync(file)
    finally:
        os.close(file)


@contextlib.contextmanager
def turn(folder):
    """Of the processes with results in that folder one at a time is within."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "cuda.jsonl"), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Bench:
    def __init__(self, plugin, quick):
        self.plugin, self.quick, self.device = plugin, quick, torch_device(plugin)
        self.on_gpu = self.device is not None and self.device != "cpu"
        # Made anew for every case, so that a peer's process has the data of ours.
        self.random = np.random.default_rng(1)

    def wait(self):
        if self.on_gpu:
            torch.cuda.synchronize(self.device)
        self.plugin.synchronize()

    def time(self, call, of_torch=False, groups=7):
        """Seconds of one call, best and median of several groups of calls: between two events on the stream of the calls, where
        torch can make them, and by the host's clock, which counts what it costs to queue the work as well."""
        call()
        self.wait()
        start = time.perf_counter()
        call()
        self.wait()
        once = max(1e-6, time.perf_counter() - start)
        calls = max(1, min(200, int((0.02 if self.quick else 0.2) / once)))
        stream = None
        if self.on_gpu:
            ours = torch.cuda.ExternalStream(self.plugin.stream(), device=self.device)
            stream = torch.cuda.current_stream(self.device) if of_torch else ours
        of_events, of_host = [], []
        for _ in range(2 if self.quick else groups):
            events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if stream else None
            start = time.perf_counter()
            if events:
                events[0].record(stream)
            for _ in range(calls):
                call()
            if events:
                events[1].record(stream)
            self.wait()
            of_host.append((time.perf_counter() - start) / calls)
            if events:
                of_events.append(events[0].elapsed_time(events[1]) / 1e3 / calls)
        seconds = of_events or of_host
        return {
            **dict(microseconds=1e6 * min(seconds), medianMicroseconds=1e6 * statistics.median(seconds)),
            **dict(hostMicroseconds=1e6 * min(of_host), calls=calls, clock="events" if of_events else "host"),
        }

    def limits(self):
        """Bytes a second of a copy within the device, of reading, and of pinned copies both ways at once; None: not measured."""
        size = 1 << (20 if self.quick else 29)
        buffer = Buffer(self.plugin, 2 * size)
        copy = 2 * size / (self.time(partial(buffer.copy, size, 0, size))["microseconds"] / 1e6)
        del buffer
        read = None
        if self.device is not None:
            data = torch.ones(size // 4, device=self.device)
            seconds = min(self.time(reading, True)["microseconds"] / 1e6 for reading in (data.sum, data.amax))
            read = size / seconds
        return {"copy": copy, "read": read}

    def bus(self):
        """Bytes a second of pinned copies, both ways at once; None without torch on a GPU."""
        if not self.on_gpu:
            return None
        count = 1 << 26
        device, host = (
            [torch.empty(count, **where) for _ in range(2)]
            for where in (dict(device=self.device), dict(pin_memory=True))
        )
        streams = [torch.cuda.Stream(self.device) for _ in range(2)]

        def copies():
            with torch.cuda.stream(streams[0]):
                device[0].copy_(host[0], non_blocking=True)
            with torch.cuda.stream(streams[1]):
                host[1].copy_(device[1], non_blocking=True)

        return 8 * count / (self.time(copies, groups=3)["hostMicroseconds"] / 1e6)
