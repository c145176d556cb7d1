"""A job on the wire: JobSummary, JobStatus, JobEndState (wsd-scan.md 9.7 and 9.8, eventing.md 8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bridge.jobs.states import JobReason, JobStatus
from bridge.soap.envelope import WSCN_E, Element


def utc(time: datetime) -> str:
    """`time` as xs:dateTime in UTC (wsd-scan.md 4, rule 8)."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def job_summary(status: JobStatus) -> Element:
    """JobSummary, for the lists of jobs (checklist 212, 213)."""
    element: Element = WSCN_E(
        "JobSummary",
        WSCN_E("JobId", str(status.id)),
        WSCN_E("JobName", status.name),
        WSCN_E("JobOriginatingUserName", status.user),
        WSCN_E("JobState", status.state.value),
        _reasons("JobStateReasons", status.reasons),
        WSCN_E("ScansCompleted", str(status.scans_completed)),
    )
    return element


def job_status(status: JobStatus) -> Element:
    """JobStatus, for GetJobElements and JobStatusEvent (checklist 239)."""
    element: Element = WSCN_E(
        "JobStatus",
        WSCN_E("JobId", str(status.id)),
        WSCN_E("JobState", status.state.value),
        _reasons("JobStateReasons", status.reasons),
        WSCN_E("ScansCompleted", str(status.scans_completed)),
        WSCN_E("JobCreatedTime", utc(status.created)),
    )
    if status.completed is not None:
        element.append(WSCN_E("JobCompletedTime", utc(status.completed)))
    return element


def job_end_state(status: JobStatus) -> Element:
    """JobEndState of a job that is over, for JobEndStateEvent (checklist 284)."""
    element: Element = WSCN_E(
        "JobEndState",
        WSCN_E("JobId", str(status.id)),
        WSCN_E("JobCompletedState", status.state.value),
        _reasons("JobCompletedStateReasons", status.reasons),
        WSCN_E("JobName", status.name),
        WSCN_E("JobOriginatingUserName", status.user),
        WSCN_E("ScansCompleted", str(status.scans_completed)),
    )
    if status.completed is not None:
        element.append(WSCN_E("JobCompletedTime", utc(status.completed)))
    return element


def _reasons(name: str, reasons: Iterable[JobReason]) -> Element:
    """At least one reason: None when there is nothing to say (checklist 221)."""
    element: Element = WSCN_E(name)
    for reason in tuple(reasons) or (JobReason.NONE,):
        element.append(WSCN_E("JobStateReason", reason.value))
    return element
