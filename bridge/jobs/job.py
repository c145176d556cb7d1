"""One job: its number, its order, its state, its count; told to whoever observes (wsd-scan.md 11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bridge.jobs.machine import JobMachine
from bridge.jobs.order import JobOrder
from bridge.jobs.states import JobReason, JobState, JobStatus

DOCUMENT_NAMES = 200
"""Names of retrieved images kept for GetJobElements; a longer batch keeps its first ones."""


class JobObserver:
    """Hears of every job of a queue; a subclass overrides what it wants to hear."""

    def job_changed(self, status: JobStatus) -> None:
        """State, reasons or count are others than before; the first call for a job shows Started, or its end."""

    def job_ended(self, job: Job) -> None:
        """The job is over; comes once, after its last `job_changed`."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a status is made of, to see whether something changed."""

    state: JobState
    reasons: tuple[JobReason, ...]
    scans_completed: int


class Job:
    """A job from its acceptance to its end, and afterwards in the history.

    `now` tells UTC. State changes go through the machine only; everything here is synchronous.
    """

    def __init__(
        self,
        job_id: int,
        token: str,
        order: JobOrder,
        now: Callable[[], datetime],
        observer: JobObserver,
    ) -> None:
        self.id = job_id
        self.token = token
        self.order = order
        self._now = now
        self._observer = observer
        self._state = JobState.CREATING
        self._reason = JobReason.NONE
        self._scans_completed = 0
        self._created = now()
        self._completed: datetime | None = None
        self._documents: list[str] = []
        self._announced: _Shown | None = None
        self._machine = JobMachine(self._entered)
        self._machine.queued()

    @property
    def state(self) -> JobState:
        """Where the job is."""
        return self._state

    @property
    def status(self) -> JobStatus:
        """The job as it is now."""
        return JobStatus(
            self.id,
            self.order.name,
            self.order.user,
            self._state,
            (self._reason,),
            self._scans_completed,
            self._created,
            self._completed,
        )

    @property
    def documents(self) -> tuple[str, ...]:
        """The names that the client gave the images it has fetched, oldest first."""
        return tuple(self._documents)

    @property
    def scans_completed(self) -> int:
        """Images digitised whole so far (wsd-scan.md 11.4)."""
        return self._scans_completed

    @property
    def ending(self) -> bool:
        """Whether the job is over or about to be."""
        return self._state.terminal or self._state is JobState.TERMINATING

    @property
    def canceled(self) -> bool:
        """Whether somebody cancelled the job or the device gave it up."""
        return self._state in (JobState.TERMINATING, JobState.CANCELED, JobState.ABORTED)

    def document(self, name: str) -> None:
        """The client has fetched an image and calls it `name`."""
        if len(self._documents) < DOCUMENT_NAMES:
            self._documents.append(name)

    def granted(self) -> None:
        """The scanner is this job's now."""
        self._machine.granted()

    def acquiring(self) -> None:
        """The scanner is asked for an image: the first one makes the job Processing."""
        if self._state is JobState.STARTED:
            self._reason = JobReason.JOB_SCANNING
            self._machine.acquiring()
        else:
            self.because(JobReason.JOB_SCANNING)

    def because(self, reason: JobReason) -> None:
        """Why the job is where it is, from now on."""
        if not self.ending:
            self._reason = reason
            self._announce()

    def page_scanned(self) -> None:
        """One more image is digitised whole."""
        if not self.ending:
            self._scans_completed += 1
            self._announce()

    def finish(self, *, with_errors: bool = False) -> None:
        """All images are sent, or there are no more; with errors when there should have been."""
        self._reason = JobReason.JOB_COMPLETED_WITH_WARNINGS if self.order.altered else JobReason.NONE
        if with_errors:
            self._reason = JobReason.JOB_COMPLETED_WITH_ERRORS
        self._machine.finished()

    def cancel(self, reason: JobReason) -> None:
        """Somebody cancelled the job; `released` ends it."""
        self._reason = reason
        self._machine.cancelled()

    def give_up(self, reason: JobReason) -> None:
        """The device gives the job up; `released` ends it unless it had not begun."""
        self._reason = reason
        self._machine.given_up()

    def released(self) -> None:
        """The scanner is given back: what was terminating is over."""
        if self._state is JobState.TERMINATING:
            self._machine.released()

    def _entered(self, state: JobState) -> None:
        self._state = state
        if state.terminal:
            self._completed = self._now()
        if state is JobState.STARTED:
            self._reason = JobReason.NONE
        if state is not JobState.PENDING:
            self._announce()
        if state.terminal:
            self._observer.job_ended(self)

    def _announce(self) -> None:
        """Tell of a change, and only of a change; nothing is told before Started (wsd-scan.md 11.5)."""
        if self._announced is None and self._state is JobState.PENDING:
            return
        shown = _Shown(self._state, (self._reason,), self._scans_completed)
        if shown != self._announced:
            self._announced = shown
            self._observer.job_changed(self.status)
