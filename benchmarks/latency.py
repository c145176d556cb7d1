"""How long small requests take: while nothing happens, and while a page is scanned at the highest resolution."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median

from benchmarks.client import Client
from benchmarks.daemon import PYTHON, ROOT, Daemon, running
from benchmarks.datagrams import Asker
from benchmarks.pages import LATE_MS, MS
from benchmarks.processes import threads_cpu
from benchmarks.table import Row, percentile

GROUP = "request"
REQUESTS = 150
"""Requests for each round while nothing happens."""

LOADS = ("jfif", "tiff-single-uncompressed")
"""What is scanned meanwhile: what keeps the processors busiest, and what moves the most bytes."""

IDLE = {"GetScannerElements": (1.5, 4.0), "GetActiveJobs": (1.5, None)}
"""The most that half and 99 % of the requests may take, in ms, while nothing happens."""

BUSY_P99 = {"GetScannerElements": 15.0}

_ELEMENTS = "".join(
    f"<sca:Name>sca:{name}</sca:Name>"
    for name in ("ScannerDescription", "ScannerConfiguration", "ScannerStatus", "DefaultScanTicket")
)
_BODIES = {
    "GetScannerElements": f"<sca:GetScannerElementsRequest><sca:RequestedElements>{_ELEMENTS}</sca:RequestedElements>"
    "</sca:GetScannerElementsRequest>",
    "GetActiveJobs": "<sca:GetActiveJobsRequest/>",
}
"""All four elements at once; the others ask for nothing in particular."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a request was sent, and how long its answer took."""

    at: float
    took: float


def rows(rounds: int, load_dpi: int = 1200, requests: int = REQUESTS) -> Iterator[Row]:
    """Rows for each request, idle first."""
    with running() as daemon:
        client, asker = Client(daemon.port, daemon.paths[0]), Asker(daemon.scanners[0]["uuid"])
        asks = {name: partial(client.call, name, body) for name, body in _BODIES.items()}
        asks |= {"Resolve by datagram": partial(asker.resolve), "Probe by datagram": partial(asker.probe)}
        for name, ask in asks.items():
            few = name not in _BODIES
            yield _idle(daemon, name, ask, rounds * (requests // 25 if few else requests))
        for load in LOADS:
            for name in _BODIES:
                yield _busy(daemon, name, asks[name], load, load_dpi, rounds)


def _idle(daemon: Daemon, name: str, ask: Callable[[], float], count: int) -> Row:
    ask()
    daemon.heartbeat.take()
    before = sum(threads_cpu(daemon.pid).values())
    taken = [ask() for _ in range(count)]
    work = (sum(threads_cpu(daemon.pid).values()) - before) / count
    if name.startswith("Probe"):
        bound = "the random delay of up to 500 ms that WS-Discovery asks for"
    else:
        bound = f"the daemon's own work: {work * MS:.2f} ms of processor time a request"
    median_target, tail_target = IDLE.get(name, (None, None))
    return _row(f"{name}, idle", taken, bound, median_target, tail_target, daemon)


def _busy(daemon: Daemon, name: str, ask: Callable[[], float], load: str, dpi: int, scans: int) -> Row:
    """The same during `scans` pages; between them nothing is asked."""
    daemon.warm_worker()
    asked: list[_Asked] = []
    spans: list[tuple[float, float]] = []
    daemon.heartbeat.take()
    command = [PYTHON, "-m", "benchmarks.load", str(daemon.port), daemon.paths[0], load, str(dpi)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        reader = _Spans(process.stdout.fileno())
        while len(spans) < scans:
            at = time.perf_counter()
            asked.append(_Asked(at, ask()))
            spans += reader.take()
            if process.poll() is not None:
                raise SystemExit("scanning meanwhile failed")
        process.stdin.close()
        # What it prints of its last page would end it otherwise.
        os.set_blocking(process.stdout.fileno(), True)
        process.stdout.read()
    taken = [each.took for each in asked if any(begun < each.at < ended for begun, ended in spans)]
    bound = f"processors and reactor shared with the scan, {len(taken)} requests in {len(spans)} pages"
    return _row(f"{name}, during {load} {dpi}", taken, bound, None, BUSY_P99.get(name), daemon)


class _Spans:
    """The beginnings and ends that the load prints, as far as they are there."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._heard = ""

    def take(self) -> list[tuple[float, float]]:
        """The spans of the pages that have ended since the last call."""
        try:
            self._heard += os.read(self._descriptor, 65536).decode()
        except BlockingIOError:
            return []
        *lines, self._heard = self._heard.split("\n")
        return [(float(begun), float(ended)) for begun, ended in (line.split() for line in lines)]


def _row(
    name: str, taken: list[float], bound: str, median_target: float | None, tail_target: float | None, daemon: Daemon
) -> Row:
    figures = {
        "requests": len(taken),
        "p50_ms": median(taken) * MS,
        "p99_ms": percentile(taken, 0.99) * MS,
        "max_ms": max(taken) * MS,
        "late_ms": daemon.heartbeat.take() * MS,
    }
    targets = {"late_ms": LATE_MS}
    if median_target is not None:
        targets["p50_ms"] = median_target
    if tail_target is not None:
        targets["p99_ms"] = tail_target
    return Row(GROUP, name, figures, bound, targets)
