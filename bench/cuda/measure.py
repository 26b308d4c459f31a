"""How bench.py calls, times and reports."""
import time

import numpy as np
import torch

from plugin import DEVICE, PerClass, Place


def check_close(got, want, relative, what, absolute=0.0):
    got, want = torch.as_tensor(got).double(), torch.as_tensor(want).double()
    error = (got - want).abs() - relative * want.abs() - absolute
    if not bool((error <= 0).all()):
        raise ValueError(f"{what} differs by up to {float((got - want).abs().max()):.3g}")


class Bench:
    def __init__(self, plugin, quick):
        self.plugin, self.quick, self.rows = plugin, quick, []
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.random = torch.Generator(self.device).manual_seed(1)
        constants = np.array([0.25]), np.array([2.0])
        self.keep = constants
        self.alpha, self.gamma = (PerClass(v.ctypes.data, 1) for v in constants)

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()
        self.plugin.synchronize()

    def time(self, call, groups=7):
        """Best seconds of one call."""
        call()
        self.wait()
        start = time.perf_counter()
        call()
        self.wait()
        seconds = max(1e-6, time.perf_counter() - start)
        calls = max(1, min(200, int((0.02 if self.quick else 0.2) / seconds)))
        best = seconds
        for _ in range(2 if self.quick else groups):
            start = time.perf_counter()
            for _ in range(calls):
                call()
            self.wait()
            best = min(best, (time.perf_counter() - start) / calls)
        return best

    def normal(self, *shape, mean=0.0, deviation=1.0, dtype=torch.float32):
        values = torch.empty(shape, device=self.device)
        return values.normal_(mean, deviation, generator=self.random).to(dtype)

    def run(self, name, memory=DEVICE, **fields):
        """An operation on torch tensors; the stream of torch has to be done with them (wait)."""
        given = {k: v.data_ptr() if isinstance(v, torch.Tensor) else v for k, v in fields.items()}
        self.plugin.run(name, place=Place(memory, 0), **given)

    def row(self, name, seconds, moved=None, limit=None, others=None, **more):
        """`moved`: bytes; `limit`: [what, bytes a second]; `others`: seconds of the peers."""
        row = {"name": name, "microseconds": 1e6 * seconds, **more}
        text = f"{name:58s} {1e6 * seconds:12.1f} us"
        if moved:
            row["gigabytesPerSecond"] = moved / seconds / 1e9
            text += f" {moved / seconds / 1e9:8.1f} GB/s"
        if limit:
            row["ofLimit"] = {"limit": limit[0], "fraction": moved / seconds / limit[1]}
            text += f" {100 * row['ofLimit']['fraction']:5.1f} % of {limit[0]}"
        for peer, of_peer in (others or {}).items():
            row.setdefault("peers", {})[peer] = {"microseconds": 1e6 * of_peer, "ratio": of_peer / seconds}
            text += f"; {peer} {1e6 * of_peer:.0f} us, {of_peer / seconds:.1f}x"
        self.rows.append(row)
        print(text, flush=True)

    def limits(self):
        count = 1 << (18 if self.quick else 27)
        a, b = (torch.zeros(count, device=self.device) for _ in range(2))
        self.copy = 8 * count / self.time(lambda: b.copy_(a))
        self.read = 4 * count / min(self.time(a.sum), self.time(a.amax))
        self.row("copy within the device", 8 * count / self.copy, 8 * count)
        self.row("read (torch's sum or amax, the faster)", 4 * count / self.read, 4 * count)
