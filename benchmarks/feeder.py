"""Ten pages of one feeder job against ten single pages from the glass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from statistics import median

from benchmarks.baseline import kind_of, scanimage_batch
from benchmarks.client import Client, Page
from benchmarks.daemon import Daemon, running
from benchmarks.pages import GROWTH_MIB, LATE_MS, MS
from benchmarks.processes import memory
from benchmarks.table import Row, median_ratio

GROUP = "feeder, 10 pages"
PAGES = 10
PER_PAGE = 1.05
"""The most that a page of the feeder may take of a single one."""


def rows(formats: list[str], resolutions: list[int], rounds: int) -> Iterator[Row]:
    """A row for each format at each resolution."""
    for name in formats:
        for dpi in resolutions:
            yield measure(Page(dpi, name), rounds)


def measure(page: Page, rounds: int) -> Row:
    """One row. A single page has a warm worker and is timed without the making of its job, which favours it."""
    with running() as daemon:
        client = Client(daemon.port, daemon.paths[0])
        client.page(Page(75))
        before = memory(daemon.pid, "VmRSS")
        fed, single, batch = [], [], []
        daemon.heartbeat.take()
        for _ in range(rounds):
            fed.append(_fed(daemon, client, replace(page, source="ADF", images=0)))
            single.append(_single(daemon, client, page))
            batch.append(scanimage_batch(page, kind_of(page), PAGES) / PAGES)
        figures = {
            "fed_page_ms": median(fed) * MS,
            "single_ms": median(single) * MS,
            "per_page": median_ratio(fed, single),
            "scanimage_ms": median(batch) * MS,
            "ratio": median_ratio(fed, batch),
            "growth_mib": (memory(daemon.pid) - before) / 1024,
            "late_ms": daemon.heartbeat.take() * MS,
        }
    rate = figures["fed_page_ms"] / figures["single_ms"]
    bound = f"each page by what bounds a single one, whose opening ({1 - rate:.0%} of it) only the first page needs"
    targets = {"per_page": PER_PAGE, "growth_mib": GROWTH_MIB, "late_ms": LATE_MS}
    return Row(GROUP, f"{page.format} {page.color} {page.dpi}", figures, bound, targets)


def _fed(daemon: Daemon, client: Client, page: Page) -> float:
    """Seconds for a page of a job of PAGES, from the first RetrieveImage to the last byte of the last page."""
    daemon.warm_worker()
    job = client.create(page)
    taken = [timing.whole_s for _ in range(PAGES) if (timing := client.retrieve(*job)) is not None]
    if len(taken) != PAGES or client.retrieve(*job) is not None:
        raise SystemExit(f"the feeder gave {len(taken)} pages, not {PAGES}")
    return sum(taken) / PAGES


def _single(daemon: Daemon, client: Client, page: Page) -> float:
    """Seconds for one of PAGES single pages, each from its RetrieveImage to its last byte."""
    taken = []
    for _ in range(PAGES):
        daemon.warm_worker()
        taken.append(client.page(page).whole_s)
    return sum(taken) / PAGES
