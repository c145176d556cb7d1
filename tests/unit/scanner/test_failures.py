"""What follows from every failure of a scanner, seen with a real worker, the supervisor and the queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.scanner.model import InputSource
from bridge.scanner.outcomes import OUTCOMES
from tests.chaos.fixtures import Chaos
from tests.chaos.order import STATUSES, Fault, Order
from tests.chaos.queue_bench import BrokenStream, QueueBench
from tests.real_reactor import run
from tests.tools.failures import CASES, PAGE, Case, Observation, advice, observe, status_part

_SEEN: dict[Case, Observation] = {}
"""Each case is seen once in a run of the tests, by whichever test needs it first."""


def seen(case: Case, chaos: Chaos) -> Observation:
    """What follows from `case`."""
    if case not in _SEEN:
        place = chaos.folder / f"case{len(_SEEN)}"
        place.mkdir()
        _SEEN[case] = run(observe(case, place))
    return _SEEN[case]


EXPECTED = {
    # status: fault before the image, job's reason, scanner afterwards, whether the job waits for somebody to mend it
    "UNSUPPORTED": ("OperationFailed", "ScannerStopped", "Idle", False),
    "CANCELLED": ("ClientErrorJobCancelled", "JobCanceledAtDevice", "Idle", False),
    "DEVICE_BUSY": ("ServerErrorTemporaryError", "ScannerStopped", "Stopped, AttentionRequired", True),
    "INVAL": ("OperationFailed", "ScannerStopped", "Idle", False),
    "EOF": ("ServerErrorTemporaryError", "ScannerStopped", "Idle", False),
    "JAMMED": ("OperationFailed", "ScannerStopped", "Stopped, MediaJam", True),
    "NO_DOCS": ("ClientErrorNoImagesAvailable", "JobCompletedWithErrors", "Idle", False),
    "COVER_OPEN": ("OperationFailed", "ScannerStopped", "Stopped, CoverOpen", True),
    "IO_ERROR": ("ServerErrorTemporaryError", "ScannerStopped", "Stopped, AttentionRequired", False),
    "NO_MEM": ("ServerErrorTemporaryError", "ScannerStopped", "Idle", False),
    "ACCESS_DENIED": ("OperationFailed", "ScannerStopped", "Stopped, AttentionRequired", False),
}


@pytest.mark.parametrize("case", [case for case in CASES if case.moment == "start"], ids=lambda case: case.name)
def test_a_status_at_the_start(case: Case, chaos: Chaos) -> None:
    """Each status of SANE has one fault, one reason of the job, one state of the scanner; a job that can wait does."""
    fault, reason, scanner, waits = EXPECTED[STATUSES[case.number]]
    state = "Processing" if waits else "Canceled" if reason == "JobCanceledAtDevice" else "Aborted"
    told = seen(case, chaos)
    assert (told.client, told.job, told.scanner) == (fault, f"{state}, {reason}", scanner)
    assert told.again == ("the image" if waits else "ClientErrorJobCancelled")
    assert told.said in {outcome.advice for outcome in OUTCOMES.values()}


@pytest.mark.parametrize("case", [case for case in CASES if case.moment == "read"], ids=lambda case: case.name)
def test_a_status_in_mid_page(case: Case, chaos: Chaos) -> None:
    """In mid-page the same reason and state follow, but the job is over; only an early end of a page is no failure."""
    _, reason, scanner, _ = EXPECTED[STATUSES[case.number]]
    told = seen(case, chaos)
    if STATUSES[case.number] == "EOF":
        assert (told.client, told.job, told.scanner) == ("the image", "Completed", "Idle")
        return
    state = "Canceled" if reason == "JobCanceledAtDevice" else "Aborted"
    assert (told.client, told.job, told.scanner) == ("a broken image", f"{state}, {reason}", scanner)
    assert told.again == "ClientErrorJobCancelled"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.moment}")
def test_a_mended_scanner_scans(case: Case, chaos: Chaos) -> None:
    """Whatever happened, the next job has its image, and nothing is wrong with the scanner any more."""
    told = seen(case, chaos)
    assert (told.next_job, told.next_scanner) == ("the image", "Idle")


def test_the_page_says_what_is_seen(chaos: Chaos) -> None:
    """This part of docs/failures.md is what `python3 -m tests.tools.failures` writes, advice for people included."""
    text = PAGE.read_text(encoding="utf-8")
    assert status_part({case: seen(case, chaos) for case in CASES}) in text
    assert advice() in text


def test_a_feeder_that_empties_ends_its_job_well(chaos: Chaos, tmp_path: Path) -> None:
    """After at least one image an empty feeder completes the job; in the middle of an image it does not."""

    async def story(fault: Fault | None) -> tuple[str, ...]:
        chaos.order(Order(sheets=1 if fault is None else 3, faults=[fault] if fault else []))
        bench = QueueBench(chaos.config)
        job = bench.order(InputSource.ADF, images=0)
        await bench.fetch(job)
        error: Exception | None = None
        try:
            await bench.fetch(job)
        except Exception as raised:
            error = raised
        await bench.settled(job)
        await bench.stop()
        return type(error).__name__, job.status.state.value, job.status.reasons[0].value, str(job.scans_completed)

    assert run(story(None)) == ("NoImagesAvailable", "Completed", "None", "1")
    torn = Fault("read", "status", STATUSES.index("NO_DOCS"), page=2, line=100)
    assert run(story(torn)) == (BrokenStream.__name__, "Aborted", "JobCompletedWithErrors", "1")
