"""JobSummary, JobStatus, JobEndState."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.jobs.states import JobReason, JobState, JobStatus
from bridge.wsscan.summaries import job_end_state, job_status, job_summary, utc
from tests.fakes.scan_service import names, text, texts

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def status(state: JobState = JobState.COMPLETED, *reasons: JobReason) -> JobStatus:
    """A job in `state`."""
    completed = BEGIN + timedelta(seconds=7) if state.terminal else None
    return JobStatus(3, " letters ", "ada", state, reasons, 2, BEGIN, completed)


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.conformance(239)
def test_the_end_is_told_when_there_is_one(state: JobState) -> None:
    """JobCompletedTime is there once the job is over, and not before JobCreatedTime."""
    element = job_status(status(state, JobReason.NONE))
    assert texts(element, "JobCreatedTime") == ["2026-01-02T03:04:05.000Z"]
    assert texts(element, "JobCompletedTime") == (["2026-01-02T03:04:12.000Z"] if state.terminal else [])


@pytest.mark.conformance(221)
def test_there_is_always_a_reason() -> None:
    """A job without a reason says None; several reasons are all told."""
    for element in (job_status(status()), job_summary(status())):
        assert texts(element, "JobStateReasons/JobStateReason") == ["None"]
    two = status(JobState.ABORTED, JobReason.JOB_TIMED_OUT, JobReason.SCANNER_STOPPED)
    assert texts(job_summary(two), "JobStateReasons/JobStateReason") == ["JobTimedOut", "ScannerStopped"]


@pytest.mark.conformance(218, 284)
def test_the_end_of_a_job() -> None:
    """JobEndState has its children in schema order, at least one reason, and the same count as the other two."""
    element = job_end_state(status())
    assert names(element) == [
        "JobId",
        "JobCompletedState",
        "JobCompletedStateReasons",
        "JobName",
        "JobOriginatingUserName",
        "ScansCompleted",
        "JobCompletedTime",
    ]
    assert texts(element, "JobCompletedStateReasons/JobStateReason") == ["None"]
    counts = {text(build(status()), "ScansCompleted") for build in (job_summary, job_status, job_end_state)}
    assert counts == {"2"}


def test_times_are_utc() -> None:
    """Times of any zone are told in UTC; the year 1 has four digits."""
    east = timezone(timedelta(hours=5, minutes=30))
    assert utc(datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=east)) == "2026-01-01T21:34:05.600Z"
    assert utc(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000Z"
