"""Makes docs/scanner-failures.md: what a client, a job and the scanner's status show for each failure of a scanner.

    python3 -m tests.tools.scanner_failures

Nothing in that page is written down by hand: each row is seen with the chaos backend, a real worker process, the real
supervisor and the real queue.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import Deferred

from bridge.errors import BridgeError
from bridge.jobs.job import Job
from bridge.scanner.model import InputSource
from bridge.scanner.outcomes import OUTCOMES
from bridge.scanner.status import ScannerStatus
from bridge.soap.faults import scan_fault
from tests.chaos.build import build
from tests.chaos.order import STATUSES, Fault, Order, calls, write_order
from tests.chaos.queue_bench import BrokenStream, QueueBench, until
from tests.real_reactor import run

PAGE = Path(__file__).parent.parent.parent / "docs" / "scanner-failures.md"

MID_PAGE = 150
"""Lines delivered before a fault in mid-page, of 300."""


@dataclass(frozen=True)
class Case:
    """One failure: `name` says it, `moment` is start or read, and the backend does `action` with `number`."""

    name: str
    moment: str
    action: str
    number: int = 0


@dataclass(frozen=True)
class Observation:
    """What was seen of a case.

    `client` is the fault that RetrieveImage met, or what became of its answer; `said` is the fault's reason; `job` and
    `scanner` are states with their reasons, `conditions` the scanner's. `again` is what the client's next request for
    the same job brings once the scanner is well again, `next_job` what another job brings then, and `next_scanner` how
    the scanner is after it.
    """

    client: str
    said: str
    job: str
    scanner: str
    conditions: str
    again: str
    next_job: str
    next_scanner: str


STATUS_CASES = tuple(
    Case(f"SANE_STATUS_{name}", moment, "status", number)
    for moment in ("start", "read")
    for number, name in enumerate(STATUSES)
    if name != "GOOD"
)
WORKER_CASES = tuple(
    Case(name, moment, action, number)
    for moment in ("start", "read")
    for name, action, number in (
        ("the driver crashes", "crash", 0),
        ("the driver hangs", "hang", 0),
        ("the driver writes rubbish to the bridge", "say", 4),
    )
)
CASES = STATUS_CASES + WORKER_CASES


INTRODUCTION = """# When the scanner fails

What follows from each way in which a scanner or its driver can fail. This page is made by
`python3 -m tests.tools.scanner_failures` from what was seen with a backend that fails as ordered, a real worker
process, the supervisor and the queue; a test compares it with what is seen now. The table in the code is
`bridge/scanner/outcomes.py`.

*The client meets*: the fault that answers RetrieveImage. Once the image has begun, or a scanner has been silent for so
long that the headers had to go out, no fault can be said any more, and the connection ends early. *Job* and
*Scanner*: state and reason afterwards. *Same job*: what its next RetrieveImage brings when the scanner is well again.
Another job then scans in every case, and the scanner is Idle after it.""".splitlines()


async def observe(case: Case, folder: Path) -> Observation:
    """Let the scanner fail as `case` says, in `folder`, and see what follows."""
    fault = Fault(case.moment, case.action, case.number, line=MID_PAGE if case.moment == "read" else 0)
    held = Fault("read", "hold", line=MID_PAGE)
    write_order(folder, Order(faults=[fault if case.moment == "start" else held]))
    bench = QueueBench(str(folder))
    try:
        job = bench.order(InputSource.ADF)
        asked = Deferred.fromCoroutine(_ask(bench, job))
        if case.moment == "read":
            await until(lambda: bench.images_begun == 1)
            write_order(folder, Order(faults=[fault]))
        if case.action == "hang":
            await until(lambda: "hang" in calls(folder))
            await _time_out(bench)
        client, said = await asked
        await bench.settled(job)
        shown = _words(job.status.state.value, job.status.reasons[0].value)
        scanner, conditions = _scanner(bench.status), _conditions(bench.status)
        write_order(folder, Order())
        again, _ = await _ask(bench, job)
        await bench.settled(job)
        following = bench.order(InputSource.ADF)
        next_job, _ = await _ask(bench, following)
        await bench.settled(following)
        next_scanner = _words(_scanner(bench.status), _conditions(bench.status) or "None")
        return Observation(client, said, shown, scanner, conditions, again, next_job, next_scanner)
    finally:
        await bench.stop()


async def _time_out(bench: QueueBench) -> None:
    """Let time pass until the worker is given up; the pid is there as long as it is not."""
    hanging = bench.workers[-1]
    while hanging.pid is not None and not hanging.failed:
        bench.clock.advance(5)


async def _ask(bench: QueueBench, job: Job) -> tuple[str, str]:
    """What a client that asks for the job's next image meets, and the words of it."""
    try:
        data = await bench.fetch(job)
    except BrokenStream as broken:
        return ("a broken image" if broken.in_image else "headers and no image"), ""
    except BridgeError as error:
        fault = scan_fault(error)
        assert fault.subcode is not None
        return fault.subcode.rpartition("}")[2], str(error)
    return ("the image" if data.endswith(b"\xff\xd9") else "half an image"), ""


def _words(state: str, *reasons: str) -> str:
    told = [reason for reason in reasons if reason != "None"]
    return f"{state}, {', '.join(told)}" if told else state


def _scanner(status: ScannerStatus) -> str:
    return _words(status.state.value, *(reason.value for reason in status.reasons))


def _conditions(status: ScannerStatus) -> str:
    return ", ".join(f"{each.name.value} ({each.component.value}, {each.severity.value})" for each in status.conditions)


def observe_all(cases: Sequence[Case], folder: Path) -> dict[Case, Observation]:
    """What follows from each of `cases`; `folder` gets a scanner for each."""
    seen = {}
    for number, case in enumerate(cases):
        place = folder / str(number)
        place.mkdir()
        seen[case] = run(observe(case, place))
    return seen


def page(seen: dict[Case, Observation]) -> str:
    """The page in Markdown."""
    lines = [*INTRODUCTION]
    for title, cases in (
        ("SANE's statuses at the start of an image", [case for case in STATUS_CASES if case.moment == "start"]),
        ("SANE's statuses in mid-page", [case for case in STATUS_CASES if case.moment == "read"]),
        ("A driver that fails before the first line", [case for case in WORKER_CASES if case.moment == "start"]),
        ("A driver that fails in mid-page", [case for case in WORKER_CASES if case.moment == "read"]),
    ):
        lines += ["", f"## {title}", "", *_table(cases, seen)]
    lines += ["", "## What people read", ""]
    lines += [f"* **{status.value}**: {outcome.advice}." for status, outcome in OUTCOMES.items()]
    return "\n".join(lines) + "\n"


def _table(cases: Sequence[Case], seen: dict[Case, Observation]) -> list[str]:
    rows = [("Failure", "The client meets", "Job", "Scanner", "Condition", "Same job")]
    for case in cases:
        told = seen[case]
        name = f"`{case.name}`" if case.action == "status" else case.name
        rows.append((name, told.client, told.job, told.scanner, told.conditions or "none", told.again))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return [f"| {' | '.join(cells)} |" for cells in padded]


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LD_LIBRARY_PATH"] = str(build(folder).parent)
        PAGE.write_text(page(observe_all(CASES, folder)), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
