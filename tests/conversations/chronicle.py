"""What a scene's service told, in its order: by its observers, to its subscribers, and to the log.

    chronicle = Chronicle(scene)
    chronicle.told                  # every change as (event, words): ("JobStatusEvent", "7 Started None 0")
    words_of(message)               # an event as it went out, in the same words
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lxml import etree
from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from bridge.jobs.job import Job, JobObserver
from bridge.jobs.states import JobState, JobStatus
from bridge.scanner.status import Condition, ScannerStatus, StatusObserver
from bridge.soap import namespaces as ns
from bridge.soap.namespaces import tag
from tests.conversations.scene import NAMES, Scene, text

Told = tuple[str, str]
"""An event's name and what it says."""

OWNING = (JobState.STARTED, JobState.PROCESSING, JobState.TERMINATING)
"""The states of a job that has the scanner; one that had not begun passes Terminating within an instant."""


class Chronicle(JobObserver, StatusObserver):
    """Hears what the service's own events are made of, and holds it to what must be true of every history.

    `told` is everything; `changes` are the statuses of each job in their order, `ended` the jobs that are over,
    `begun` those that got the scanner.
    """

    def __init__(self, scene: Scene) -> None:
        self.told: list[Told] = []
        self.changes: dict[int, list[JobStatus]] = {}
        self.ended: list[int] = []
        self.begun: list[int] = []
        self._queue = scene.served.queue
        scene.served.queue.observe(self)
        scene.served.status.observe(self)

    # -- observers -------------------------------------------------------------------------------

    def job_changed(self, status: JobStatus) -> None:
        before = self.changes.setdefault(status.id, [])
        assert status.id not in self.ended, f"a change after the end: {status}"
        if before:
            last = before[-1]
            assert words(status) != words(last), f"no change: {status}"
            assert status.scans_completed >= last.scans_completed, f"{last} then {status}"
            assert not last.state.terminal, f"{last} then {status}"
        else:
            first = status.state is JobState.STARTED or status.state.terminal or status.state is JobState.TERMINATING
            assert first, f"the first change shows {status}"
        if status.state is JobState.STARTED:
            assert status.id not in self.begun, f"started twice: {status}"
            self.begun.append(status.id)
        assert (status.completed is not None) == status.state.terminal, status
        assert status.completed is None or status.completed >= status.created, status
        before.append(status)
        self.told.append(("JobStatusEvent", words(status)))

    def job_ended(self, job: Job) -> None:
        assert job.id not in self.ended, f"ended twice: {job.status}"
        assert words(self.changes[job.id][-1]) == words(job.status), f"ended as {job.status} without a change to it"
        assert job.state.terminal, job.status
        self.ended.append(job.id)
        self.told.append(("JobEndStateEvent", words(job.status)))

    def summary_changed(self, status: ScannerStatus) -> None:
        reasons = " ".join(reason.value for reason in status.reasons)
        self.told.append(("ScannerStatusSummaryEvent", f"{status.state.value} {reasons}"))

    def condition_added(self, condition: Condition) -> None:
        said = f"{condition.id} {condition.name.value} {condition.component.value} {condition.severity.value}"
        self.told.append(("ScannerStatusConditionEvent", said))

    def condition_cleared(self, condition: Condition) -> None:
        self.told.append(("ScannerStatusConditionClearedEvent", str(condition.id)))

    # -- what it knows ---------------------------------------------------------------------------

    def last(self, job_id: int) -> JobStatus | None:
        """The job's last change, None for one that only waits, or that nobody knows."""
        changes = self.changes.get(job_id)
        return changes[-1] if changes else None

    @property
    def owner(self) -> int | None:
        """The job that has the scanner."""
        owners = [job_id for job_id in self.begun if job_id not in self.ended]
        assert len(owners) <= 1, f"the jobs {owners} have the scanner at the same time"
        return owners[0] if owners else None

    def check_lists(self, accepted: list[int], history_limit: int) -> None:
        """Hold the queue's two lists to what it has told: nothing lost, nothing twice, nothing untold."""
        active, history = self._queue.active, self._queue.history
        assert [status.id for status in active] == [job_id for job_id in sorted(accepted) if job_id not in self.ended]
        newest_first = self.ended[::-1][:history_limit]
        assert [status.id for status in history] == newest_first
        for status in (*active, *history):
            last = self.last(status.id)
            if last is None:
                assert words(status) == f"{status.id} Pending None 0", f"{status} was never told"
            else:
                assert words(status) == words(last), f"{status} was never told; the last was {last}"


def words(status: JobStatus) -> str:
    """What of a job's status a change can be seen in."""
    reasons = " ".join(reason.value for reason in status.reasons)
    return f"{status.id} {status.state.value} {reasons} {status.scans_completed}"


def words_of(message: bytes) -> Told:
    """An event message in the words of the chronicle; of ScanAvailableEvent its ClientContext."""
    body = etree.fromstring(message).find("soap:Body/*", NAMES)
    assert body is not None
    name = etree.QName(body).localname
    return name, _WORDS[name](body)


def job_words(element: Any) -> str:
    """A JobSummary, JobStatus or JobEndState in the same words."""
    reasons = [each.text for each in element.iter(tag(ns.WSCN, "JobStateReason"))]
    state = element.findtext("wscn:JobState", None, NAMES) or text(element, "wscn:JobCompletedState")
    return " ".join([text(element, "wscn:JobId"), state, *reasons, text(element, "wscn:ScansCompleted")])


def _summary_words(body: Any) -> str:
    reasons = [each.text for each in body.iter(tag(ns.WSCN, "ScannerStateReason"))]
    return " ".join([text(body, ".//wscn:ScannerState"), *reasons])


def _condition_words(body: Any) -> str:
    condition = body.find("wscn:DeviceCondition", NAMES)
    return " ".join(
        [condition.get("Id"), *(text(condition, f"wscn:{name}") for name in ("Name", "Component", "Severity"))]
    )


_WORDS = {
    "ScanAvailableEvent": lambda body: text(body, "wscn:ClientContext"),
    "ScannerElementsChangeEvent": lambda body: " ".join(etree.QName(each).localname for each in body[0]),
    "ScannerStatusSummaryEvent": _summary_words,
    "ScannerStatusConditionEvent": _condition_words,
    "ScannerStatusConditionClearedEvent": lambda body: text(body, ".//wscn:ConditionId"),
    "JobStatusEvent": lambda body: job_words(body[0]),
    "JobEndStateEvent": lambda body: job_words(body[0]),
    "SubscriptionEnd": lambda body: text(body, "wse:Status").rpartition("/")[2],
}


@contextmanager
def watched_log(*allowed: str) -> Iterator[list[str]]:
    """Fail when something is logged as an error or with a failure, unless it says one of the texts `allowed`.

    The list holds what was logged so far; it is looked at when the context ends, after a collection of garbage, which
    brings to light the failures of Deferreds that nobody took.
    """
    heard: list[str] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical) or "log_failure" in event:
            said = formatEvent(event)
            if not any(harmless in said for harmless in allowed):
                failure = event.get("log_failure")
                heard.append(said if failure is None else f"{said}\n{failure.getTraceback()}")

    globalLogPublisher.addObserver(observe)
    try:
        yield heard
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not heard, "\n".join(heard)
