"""One, two and four scanners at once, against as many scanimages at once."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.baseline import kind_of, scanimage
from benchmarks.client import Client, Page
from benchmarks.daemon import running, sane_directory
from benchmarks.pages import GROWTH_MIB, LATE_MS, MS
from benchmarks.processes import busy_seconds, memory
from benchmarks.table import Row, median_ratio

GROUP = "scanners at once"


def rows(formats: list[str], resolutions: list[int], rounds: int, counts: Sequence[int] = (1, 2, 4)) -> Iterator[Row]:
    """A row for each format, resolution and number of scanners."""
    for name in formats:
        for dpi in resolutions:
            alone = 0.0
            for count in counts:
                row, taken = measure(Page(dpi, name), count, rounds, alone)
                alone = alone or taken
                yield row


def measure(page: Page, count: int, rounds: int, alone_s: float) -> tuple[Row, float]:
    """One row, and the seconds that all pages took; `alone_s` is what one scanner alone took."""
    with tempfile.TemporaryDirectory() as directory, running(count) as daemon:
        sane = sane_directory(Path(directory), count)
        clients = [Client(daemon.port, path) for path in daemon.paths]
        _at_once([partial(client.page, Page(75)) for client in clients])
        before = memory(daemon.pid, "VmRSS")
        ours, theirs, busy = [], [], []
        daemon.heartbeat.take()
        for _ in range(rounds):
            theirs.append(
                _at_once(
                    [
                        partial(scanimage, page, kind_of(page), device=f"test:{index}", sane=sane)
                        for index in range(count)
                    ]
                )
            )
            for index in range(count):
                daemon.warm_worker(index)
            used = busy_seconds()
            ours.append(_at_once([partial(client.page, page) for client in clients]))
            busy.append(busy_seconds() - used)
        taken = median(ours)
        figures = {
            "bridge_ms": taken * MS,
            "scanimage_ms": median(theirs) * MS,
            "ratio": median_ratio(ours, theirs),
            "to_one": taken / (alone_s or taken),
            "growth_mib": (memory(daemon.pid) - before) / 1024,
            "late_ms": daemon.heartbeat.take() * MS,
        }
    cores = os.cpu_count() or 1
    bound = f"{cores} processors, {median(busy) / taken / cores:.0%} in use"
    targets = {"late_ms": LATE_MS, "growth_mib": GROWTH_MIB * count}
    return Row(GROUP, f"{count} x {page.format} {page.color} {page.dpi}", figures, bound, targets), taken


def _at_once(works: Sequence[Callable[[], object]]) -> float:
    """Seconds until all of `works`, begun together, are done."""
    with ThreadPoolExecutor(len(works)) as pool:
        begun = time.perf_counter()
        for work in [pool.submit(work) for work in works]:
            work.result()
        return time.perf_counter() - begun
