"""Makes docs/failures.md: what a client, a job and the scanner's status show for each failure of a scanner.

    python3 -m tests.tools.failures

No row of a table in that page is written down by hand. The matrix is seen with the real daemon, a client attached and
the chaos backend (`tests/chaos/matrix.py`); SANE's statuses with a real worker, the real supervisor and the real queue.
"""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import Deferred

from bridge.errors import BridgeError
from bridge.jobs.job import Job
from bridge.jobs.queue import CONDITION_MEMORY_S
from bridge.scanner.buttons import SILENCE_S
from bridge.scanner.child import LEAST_MEMORY, MOST_MEMORY
from bridge.scanner.model import InputSource
from bridge.scanner.outcomes import OUTCOMES
from bridge.scanner.process import KILL_AFTER_S, LEAVE_AFTER_S, TERM_AFTER_S
from bridge.scanner.status import ScannerStatus
from bridge.scanner.supervisor import FAILURES_TO_STOP, FIRST_PAUSE_S, LONGEST_PAUSE_S, PROVEN_S
from bridge.settings import Scanner
from bridge.soap.faults import scan_fault
from tests.chaos import matrix
from tests.chaos.build import build
from tests.chaos.order import STATUSES, Fault, Order, write_order
from tests.chaos.queue_bench import BrokenStream, QueueBench, until
from tests.real_reactor import run

PAGE = Path(__file__).parent.parent.parent / "docs" / "failures.md"

WIDTH = 120
"""Columns of the page's text."""

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
CASES = STATUS_CASES


def introduction() -> str:
    """What the tables show, and what they cannot show."""
    return _filled(f"""# When a scanner fails

What follows from each way in which a scanner or its driver can fail: what the client meets, how its job ends,
what the scanner shows, and when the next job can scan. The tables on this page are made by `python3 -m
tests.tools.failures` from what was seen, and tests compare them with what is seen now. What the code decides by
is one table, `bridge/scanner/outcomes.py`.

In all cases the daemon goes on, and so do its other scanners: each has a worker process, a queue and URLs of
its own.

## What is promised

* **A driver that ends, by whatever signal or by itself, costs its one job.** The job is Aborted
  (ScannerStopped), a fresh worker process takes its place, and the next job scans. A job that asks a worker in
  the very moment in which it dies is that one job.
* **A call that does not come back is given up** after `start_timeout_s` ({_TIMES.start_timeout_s} s) until the
  first line of a page, and after `read_timeout_s` ({_TIMES.read_timeout_s} s) between two signs of progress;
  while the buttons are watched, {SILENCE_S:g} s after the worker's last word. The process is ended by SIGKILL
  at once. A client that is slow costs no time.
* **Giving the device back has {LEAVE_AFTER_S:g} s.** After a cancel or the end of a job the worker is asked to
  end; SIGTERM follows after {TERM_AFTER_S:g} s and SIGKILL after {KILL_AFTER_S:g} s. A client that cancels is
  answered at once.
* **A process that even SIGKILL does not end** (a call of the kernel that never returns, mostly USB) is left
  behind {LEAVE_AFTER_S:g} s after it was told to end: it is named in the log, nobody waits for it, also not a
  daemon that is told to stop, and a fresh worker takes its place. As long as it holds the device, jobs find the
  device busy.
* **A worker has bounded memory.** `scanner.memory_limit_mb`, or half of the machine's, at least
  {LEAST_MEMORY // 10**6} MB and at most {MOST_MEMORY // 10**6} MB: by computation about 475 MB on a Raspberry Pi
  with 1 GB, where it was not tried. The limit is
  RLIMIT_DATA, for which a process needs no rights; when the whole machine runs short, the kernel ends a worker
  before the daemon. The bridge's own part takes about 50 MB.
* **A device that keeps failing is let alone for a while.** A worker that fails without a job is replaced after
  {FIRST_PAUSE_S:g} s, and twice that each further time, at most {LONGEST_PAUSE_S:g} s; after {FAILURES_TO_STOP}
  failures in a row, of idle workers or of jobs, the scanner is Stopped (AttentionRequired). It is tried again
  all the same: by every job, and {PROVEN_S:g} s of a warm worker end the state. Only a whole image forgets jobs
  that failed.
* **A failure is shown for {CONDITION_MEMORY_S:g} s** after the last try, or until an image comes.

The worker was killed 300 times at random moments (`python3 -m tests.soak.worker_kills`), and the daemon 100
times (`python3 -m tests.soak.daemon_kills`). After a worker there was no zombie and no descriptor more,
after a daemon no process and no file, and the next page was good; the scanner was the same WSD device, with
a higher InstanceId after each start. The daemon's memory was 61.0 MiB after 50 of the 300 rounds, 62.6 MiB
after 200, and no more at the end; it had 19 descriptors all the time.
Every run of the tests does a few rounds of each.

What cannot be shown here: a process in an uninterruptible call cannot be made to order. The test has a debugger
hold the killed process instead, so that it is not gone and keeps its device, which is all that the daemon could
see of the other.

## Every fault at every moment

*The client meets*: the fault that answers RetrieveImage. Once the image has begun, or a scanner has been silent
for so long (ten seconds) that the headers had to go out, no fault can be said any more, and the connection ends
early; `scanbridge scan` then asks for the job's end and tells it. *Given up after*: the deadline for a call
that does not come back. After each of these rows a fresh worker was there, the next job delivered a good page
within the deadline, and the scanner was Idle with no condition.

Each of SANE's statuses has a row further down; here one of them stands for all.""")


def status_introduction() -> str:
    """What the tables of statuses show."""
    return """## SANE's statuses

The columns are as above. *Condition*: what ScannerStatus lists. *Same job*: what its next RetrieveImage brings when the
scanner is well again. Another job then scans in every case, and the scanner is Idle after it.

A driver that says `SANE_STATUS_INVAL` when it is to *open* the scanner, before any setting, means that it cannot have
it: another program does (`xerox_mfp` says so), or it was just unplugged. It counts as `SANE_STATUS_DEVICE_BUSY`."""


_TIMES = Scanner()

_AT_ONCE = {"stammer": "its next word"}
"""When a driver is given up that is not waited for."""


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


def status_part(seen: dict[Case, Observation]) -> str:
    """The part of the page about SANE's statuses."""
    lines = [status_introduction()]
    for title, moment in (("At the start of an image", "start"), ("In mid-page", "read")):
        lines += ["", f"### {title}", "", *_status_table([case for case in CASES if case.moment == moment], seen)]
    return "\n".join(lines)


def matrix_part(moment: matrix.Moment, seen: dict[matrix.Case, matrix.Observation]) -> str:
    """The part of the page about one moment."""
    rows = [("The driver ...", "The client meets", "Job", "Scanner", "Given up after")]
    for case in matrix.CASES:
        if case.moment is moment:
            told = seen[case]
            limit = f"{case.limit_s:g} s" if case.limit_s else _AT_ONCE.get(case.misbehaviour.action, "at once")
            rows.append((case.misbehaviour.name, told.client, told.job, told.scanner, limit))
    return "\n".join([f"### {moment.name[0].upper()}{moment.name[1:]}", "", *_table(rows)])


def page(seen: dict[Case, Observation], matrix_seen: dict[matrix.Case, matrix.Observation]) -> str:
    """The page in Markdown."""
    moments = [matrix_part(moment, matrix_seen) for moment in matrix.MOMENTS]
    return "\n\n".join([introduction(), *moments, status_part(seen), advice()]) + "\n"


def advice() -> str:
    """The part of the page about what people read."""
    lines = [f"* **{status.value}**: {outcome.advice}." for status, outcome in OUTCOMES.items()]
    return "\n".join(["## What people read", "", *lines])


def _filled(text: str) -> str:
    """Markdown with its paragraphs and points in lines of the page's width."""
    return "\n\n".join(block if block.startswith("#") else _filled_block(block) for block in text.split("\n\n"))


def _filled_block(block: str) -> str:
    points = re.split(r"\n(?=\* )", block)
    return "\n".join(
        textwrap.fill(" ".join(point.split()), WIDTH, subsequent_indent="  " if point.startswith("* ") else "")
        for point in points
    )


def _status_table(cases: Sequence[Case], seen: dict[Case, Observation]) -> list[str]:
    rows = [("Failure", "The client meets", "Job", "Scanner", "Condition", "Same job")]
    for case in cases:
        told = seen[case]
        rows.append((f"`{case.name}`", told.client, told.job, told.scanner, told.conditions or "none", told.again))
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = rows
    padded = [
        [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        for row in (head, ["-" * width for width in widths], *body)
    ]
    return [f"| {' | '.join(cells)} |" for cells in padded]


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LD_LIBRARY_PATH"] = str(build(folder).parent)
        with matrix.Benches(folder) as benches:
            matrix_seen = benches.observe(matrix.CASES)
        statuses = folder / "statuses"
        statuses.mkdir()
        PAGE.write_text(page(observe_all(CASES, statuses), matrix_seen), encoding="utf-8")
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
