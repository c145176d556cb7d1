"""What the daemon's process holds while it is under load: memory, descriptors, the longest stall of its reactor."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.interop.daemon import Daemon, survivors


class Sample(NamedTuple):
    """At `at` (monotonic) the process had so much resident memory in KiB and so many descriptors."""

    at: float
    kib: int
    descriptors: int


class DaemonWatch:
    """Looks at `daemon`, whose program is `tests.hostile.metered_bridge` with `meter` as its file, once a second."""

    def __init__(self, daemon: Daemon, meter: Path) -> None:
        self.samples: list[Sample] = []
        self._meter = meter
        (self.pid,) = [
            pid for pid, command in survivors(daemon.mark) if "metered_bridge" in command and "ip netns" not in command
        ]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> DaemonWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(1.0):
            self.samples.append(self.sample())

    def sample(self) -> Sample:
        """What it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return Sample(time.monotonic(), kib, len(os.listdir(f"/proc/{self.pid}/fd")))

    def stall(self, begin: float, end: float) -> tuple[float, float]:
        """The longest stall between two moments, in seconds, and how much of it was the daemon's own computing."""
        time.sleep(1.2)  # the meter writes each second
        rows = [line.split() for line in self._meter.read_text("ascii").splitlines()]
        stalls = [(float(late), float(own)) for at, late, own in rows if begin <= int(at) <= end + 1]
        return max((late for late, _ in stalls), default=0.0), max((min(pair) for pair in stalls), default=0.0)

    def slope(self) -> float:
        """KiB a minute by which memory grows over the last two thirds of the samples (least squares)."""
        samples = self.samples[len(self.samples) // 3 :]
        if len(samples) < 3:
            return float("nan")
        times = [sample.at for sample in samples]
        middle, mean = sum(times) / len(times), sum(sample.kib for sample in samples) / len(samples)
        across = sum((sample.at - middle) * (sample.kib - mean) for sample in samples)
        return 60 * across / sum((at - middle) ** 2 for at in times)
