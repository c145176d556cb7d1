"""What processes take of the machine: memory and processor time, read from /proc."""

from __future__ import annotations

import os
import threading
from pathlib import Path

SAMPLE_S = 0.01
NS = 1e9


def memory(pid: int, key: str = "VmHWM") -> int:
    """KiB of a process: VmHWM is its peak, VmRSS what it holds now; 0 when it has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith(key)), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def threads_cpu(pid: int) -> dict[int, float]:
    """Seconds of processor time that each thread of a process has taken; the first is the one whose id is `pid`."""
    taken: dict[int, float] = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            taken[int(thread)] = int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0]) / NS
    except (FileNotFoundError, ProcessLookupError):
        pass
    return taken


def busy_seconds() -> float:
    """Processor time that everything on this machine has taken so far."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Watches a process that may end at any time; use as a context.

    Afterwards `peak_kib` is its peak memory, `main_s` and `beside_s` the processor time of its first thread and of
    all others together since the beginning, to a sample's length.
    """

    def __init__(self, pid: int) -> None:
        self.peak_kib = 0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._before = threads_cpu(pid)
        self._now = dict(self._before)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def main_s(self) -> float:
        """Processor time of the first thread."""
        return self._taken(self._pid)

    @property
    def beside_s(self) -> float:
        """Processor time of the other threads."""
        return sum(self._taken(thread) for thread in self._now if thread != self._pid)

    def _taken(self, thread: int) -> float:
        return self._now.get(thread, 0.0) - self._before.get(thread, 0.0)

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self.peak_kib = max(self.peak_kib, memory(self._pid))
            # Kept for threads that end meanwhile.
            self._now.update(threads_cpu(self._pid))
