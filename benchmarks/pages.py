"""A page over the network against the same page by scanimage and by a bare loop: time, processor time, memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import median

from benchmarks.baseline import kind_of, sane_loop, scanimage
from benchmarks.bound import bound_of
from benchmarks.client import Client, Page
from benchmarks.daemon import Daemon, running
from benchmarks.processes import Watch, busy_seconds, memory, threads_cpu
from benchmarks.table import Row, median_ratio
from bridge.imaging.formats import FORMAT_COLORS
from bridge.scanner.model import ColorMode, Format

GROUP = "page"

RATIOS = {"jfif": {300: 1.2, 600: 1.0, 1200: 1.0}, "png": {300: 0.5, 600: 0.5, 1200: 0.5}}
"""The most that the time may be of scanimage's in the same format, by format and resolution."""

RAW_RATIO = 1.5
OVER_START_MS = 15.0
WORKER_MIB = 48.0
GROWTH_MIB = 8.0
LATE_MS = 50.0

MS = 1000.0
MIB = 2.0**20


def rows(formats: Iterable[str], colors: Iterable[str], resolutions: Iterable[int], rounds: int) -> Iterator[Row]:
    """A row for each format with each colour that it can hold, at each resolution."""
    resolutions = list(resolutions)
    for name in formats:
        for color in colors:
            if ColorMode(color) in FORMAT_COLORS[Format(name)]:
                for dpi in resolutions:
                    yield measure(Page(dpi, name, color), rounds)


def measure(page: Page, rounds: int) -> Row:
    """One row; all sides take turns, so that a drift of the machine meets each of them."""
    with running() as daemon:  # a fresh daemon for each row, so that its growth is this row's
        client = Client(daemon.port, daemon.paths[0])
        client.page(Page(75))
        measured = _Measured(daemon, client)
        for _ in range(rounds):
            measured.round(page)
        return measured.row(page)


class _Measured:
    """The figures of one page, round after round."""

    def __init__(self, daemon: Daemon, client: Client) -> None:
        self._daemon = daemon
        self._client = client
        self._rss_kib = memory(daemon.pid, "VmRSS")
        self._whole: list[float] = []
        self._first: list[float] = []
        self._same: list[float] = []
        self._raw: list[float] = []
        self._start: list[float] = []
        self._loop: list[float] = []
        self._busy: list[float] = []
        self._parts: dict[str, list[float]] = {"the worker's reading": [], "its encoding": [], "the daemon": []}
        self._parts["the client"] = []
        self._peak_kib = 0
        self._size = 0
        self._late_s = 0.0

    def round(self, page: Page) -> None:
        """Measure each side once."""
        kind = kind_of(page)
        self._raw.append(scanimage(page, "pnm"))
        self._same.append(self._raw[-1] if kind == "pnm" else scanimage(page, kind))
        start, loop = sane_loop(page)
        self._start.append(start)
        self._loop.append(loop)
        worker, daemon = self._daemon.warm_worker(), self._daemon.pid
        job = self._client.create(page)
        self._daemon.heartbeat.take()
        before, busy = sum(threads_cpu(daemon).values()), busy_seconds()
        with Watch(worker) as watch:
            timing = self._client.retrieve(*job)
        after = sum(threads_cpu(daemon).values())
        self._busy.append(busy_seconds() - busy)
        self._late_s = max(self._late_s, self._daemon.heartbeat.take())
        if timing is None:
            raise SystemExit(f"{page} came to nothing")
        self._whole.append(timing.whole_s)
        self._first.append(timing.first_byte_s)
        for name, taken in zip(
            self._parts, (watch.main_s, watch.beside_s, after - before, timing.client_s), strict=True
        ):
            self._parts[name].append(taken)
        self._size = timing.size
        self._peak_kib = max(self._peak_kib, watch.peak_kib)

    def row(self, page: Page) -> Row:
        """The medians; ratios are medians of each round's ratio."""
        parts = {name: median(taken) for name, taken in self._parts.items()}
        reading, encoding, daemon, _ = parts.values()
        ratio = median_ratio(self._whole, self._same)
        figures = {
            "bridge_ms": median(self._whole) * MS,
            "same_ms": median(self._same) * MS,
            "pnm_ms": median(self._raw) * MS,
            "loop_ms": median(self._loop) * MS,
            "ratio": ratio,
            "to_pnm": median_ratio(self._whole, self._raw),
            "to_loop": median_ratio(self._whole, self._loop),
            "first_byte_ms": median(self._first) * MS,
            "over_start_ms": median(a - b for a, b in zip(self._first, self._start, strict=True)) * MS,
            "file_mib": self._size / MIB,
            "worker_cpu_ms": (reading + encoding) * MS,
            "daemon_cpu_ms": daemon * MS,
            "worker_mib": self._peak_kib / 1024,
            "growth_mib": (memory(self._daemon.pid) - self._rss_kib) / 1024,
            "late_ms": self._late_s * MS,
        }
        targets = {
            "over_start_ms": OVER_START_MS,
            "worker_mib": WORKER_MIB,
            "growth_mib": GROWTH_MIB,
            "late_ms": LATE_MS,
        }
        if page.color == "RGB24":
            if page.dpi in RATIOS.get(page.format, {}):
                targets["ratio"] = RATIOS[page.format][page.dpi]
            elif page.format == "tiff-single-uncompressed":
                targets["to_pnm"] = RAW_RATIO
        name = f"{page.format} {page.color} {page.dpi}"
        return Row(GROUP, name, figures, bound_of(median(self._whole), median(self._busy), parts), targets)
