"""The job queue of one scanner: who may scan, in which order, for how long, and what became of it.

One job at a time has the scanner; it keeps it from its first image to its end. The others wait in the order in
which their clients came for an image, so that a client that orders and vanishes holds nobody up.
"""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.errors import (
    InvalidJobToken,
    JobCancelled,
    JobNotFound,
    NoImagesAvailable,
    NotAcceptingJobs,
    NotPossibleNow,
    Refusal,
    ScannerError,
)
from bridge.interfaces import Scanner
from bridge.jobs.job import Job, JobObserver
from bridge.jobs.order import JobOrder
from bridge.jobs.retrieval import CANCEL_GRACE_S, Retrieval
from bridge.jobs.states import JobReason, JobState, JobStatus
from bridge.jobs.turn import Turn
from bridge.scanner import outcomes
from bridge.scanner.protocol import Status

CONDITION_MEMORY_S = 60.0
"""How long a failure is shown in the scanner's status after nobody tries any more: then nobody can know."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What a queue holds: seconds between two requests of a client, waiting jobs, finished jobs."""

    retrieve_timeout_s: float = 60.0
    waiting: int = 8
    history: int = 50


class JobQueue(JobObserver):
    """Every job of one scanner.

    `ids` gives a new JobId in 1..2147483647 at each call, `now` tells UTC.
    """

    log = Logger()

    def __init__(
        self,
        scanner: Scanner,
        clock: IReactorTime,
        now: Callable[[], datetime],
        ids: Callable[[], int],
        limits: QueueLimits,
    ) -> None:
        self._scanner = scanner
        self._clock = clock
        self._now = now
        self._ids = ids
        self._limits = limits
        self._active: dict[int, Job] = {}
        self._history: deque[Job] = deque(maxlen=limits.history)
        self._retrievals: dict[int, Retrieval] = {}
        self._line: deque[Retrieval] = deque()
        self._timers: dict[int, IDelayedCall] = {}
        self._forgetting: IDelayedCall | None = None
        self._turn: Turn | None = None
        self._observers: list[JobObserver] = []
        self._closed: Refusal | None = None

    # -- what everybody may know -----------------------------------------------------------------

    @property
    def active(self) -> list[JobStatus]:
        """Jobs that are not over, ascending by JobId (checklist 222)."""
        return [self._active[job_id].status for job_id in sorted(self._active)]

    @property
    def history(self) -> list[JobStatus]:
        """Jobs that are over, newest first (wsd-scan.md 9.7)."""
        return [job.status for job in reversed(self._history)]

    def job(self, job_id: int) -> Job:
        """The job of that number, while it is active or remembered. Raises JobNotFound."""
        job = self._active.get(job_id) or next((old for old in self._history if old.id == job_id), None)
        if job is None:
            raise JobNotFound(str(job_id))
        return job

    def observe(self, observer: JobObserver) -> None:
        """Tell `observer` of every change of every job from now on."""
        self._observers.append(observer)

    # -- what clients ask for --------------------------------------------------------------------

    def create(self, order: JobOrder) -> Job:
        """Take `order` as a new job, Pending.

        Raises NotAcceptingJobs when as many wait as may, NoImagesAvailable when it is for a feeder that is known to be
        empty (checklist 183).
        """
        if self._closed is not None:
            raise NotAcceptingJobs(str(self._closed))
        if len(self._active) > self._limits.waiting:
            raise NotAcceptingJobs(f"{len(self._active)} jobs are waiting already; try again when some are done")
        if order.request.source.is_feeder and self._scanner.feeder_is_empty():
            raise NoImagesAvailable("the feeder is empty; load paper and scan again")
        job = Job(self._ids(), secrets.token_hex(16), order, self._now, self)
        self._active[job.id] = job
        self._arm(job)
        self.log.debug("job {job_id} accepted: {order}", job_id=job.id, order=_wanted(order), client=order.owner)
        return job

    def retrieve(self, job_id: int, token: str, document: str) -> Deferred[Retrieval]:
        """Scan and deliver the job's next file; `document` is the name that the client gives it.

        Raises JobNotFound, InvalidJobToken, JobCancelled, NoImagesAvailable or NotPossibleNow (wsd-scan.md 9.4). Fires
        when HTTP headers should go out; fails with what `outcomes` has for the scanner's failure. Cancelling it
        means that the client has gone.
        """
        job = self.job(job_id)
        if not hmac.compare_digest(token.encode(), job.token.encode()):
            raise InvalidJobToken
        if job.canceled:
            raise JobCancelled
        if job.state is JobState.COMPLETED:
            raise NoImagesAvailable
        if job.id in self._retrievals:
            raise NotPossibleNow("an image of this job is being delivered already")
        self._disarm(job)
        retrieval = Retrieval(job, document, self._clock, self)
        self._retrievals[job.id] = retrieval
        if self._turn is None:
            self._grant(retrieval)
        elif self._turn.job is job:
            self._turn.scan(retrieval)
        else:
            self._line.append(retrieval)
            self.log.debug("job {job_id} waits for the scanner", job_id=job.id)
        return retrieval.ready

    def cancel(self, job_id: int, client: str | None) -> None:
        """Cancel an active job; `client` is the address literal of who asks, None for the device and its admin.

        Raises JobNotFound for a job that is unknown, over, or another client's (design, who may do what).
        """
        job = self._active.get(job_id)
        if job is None or not (client is None or client == job.order.owner or _is_loopback(client)):
            raise JobNotFound(str(job_id))
        if not job.ending:
            job.cancel(JobReason.JOB_CANCELED_AT_DEVICE if client is None else JobReason.NONE)
            self._end(job, JobCancelled(), CANCEL_GRACE_S)

    def stop(self, refusal: Refusal | None = None) -> Deferred[None]:
        """Give all jobs up and the scanner back, and take no more. Fires when that is done.

        `refusal` tells clients why: the scanner was unplugged, or else the daemon ends.
        """
        self._closed = refusal or JobCancelled("the bridge is stopping; try again in a moment")
        if self._forgetting is not None and self._forgetting.active():
            self._forgetting.cancel()
        released: Deferred[None] = Deferred()
        if self._turn is None:
            released.callback(None)
        else:
            self._turn.gone.addCallback(lambda _gone: released.callback(None))
        # Those that wait come first, so that none of them gets the scanner that is given back.
        for job in sorted(self._active.values(), key=lambda job: job.state is not JobState.PENDING):
            if not job.ending:
                job.give_up(JobReason.SCANNER_STOPPED)
                self._end(job, self._closed)
        return released

    # -- RetrievalOwner --------------------------------------------------------------------------

    def image_started(self, retrieval: Retrieval) -> None:
        """The scanner works: what was wrong with it is over."""
        outcomes.forget(self._scanner.status, retrieval.job.order.request.source)

    def image_failed(self, retrieval: Retrieval, error: ScannerError) -> None:
        """Tell the scanner's status, the client and the job what the failure means for them."""
        job = retrieval.job
        outcome = outcomes.outcome_of(error)
        if job.ending:
            retrieval.refuse(JobCancelled())
            return
        outcomes.report(self._scanner.status, error, job.order.request.source)
        self._forget_failure_later()
        emptied = error.status == Status.NO_DOCUMENTS and job.scans_completed > 0 and not retrieval.started
        refusal = NoImagesAvailable("the feeder has no more sheets") if emptied else outcomes.refusal_for(error)
        if not emptied:
            advice = outcome.advice
            self.log.warn("job {job_id}: {advice} ({error})", job_id=job.id, advice=advice, error=str(error))
        if error.status == Status.NO_DOCUMENTS:
            if emptied:
                job.finish()
            else:
                job.give_up(JobReason.JOB_COMPLETED_WITH_ERRORS)
            self._end(job, refusal)
        elif error.status == Status.CANCELLED:
            # Nobody asked for it here, so it was the scanner's own cancel button.
            job.cancel(JobReason.JOB_CANCELED_AT_DEVICE)
            self._end(job, refusal)
        elif outcome.recoverable and not retrieval.begun:
            self._forget_retrieval(retrieval)
            job.because(JobReason.SCANNER_STOPPED)
            self._arm(job)
            retrieval.refuse(refusal)
        else:
            job.give_up(JobReason.SCANNER_STOPPED)
            self._end(job, refusal)

    def image_cut_short(self, retrieval: Retrieval, error: ScannerError) -> None:
        """Tell the scanner's status what happened; the job ends when its client has the pages so far."""
        job = retrieval.job
        outcomes.report(self._scanner.status, error, job.order.request.source)
        self._forget_failure_later()
        advice = outcomes.outcome_of(error).advice
        self.log.warn("job {job_id} ends early: {advice} ({error})", job_id=job.id, advice=advice, error=str(error))

    def image_delivered(self, retrieval: Retrieval) -> None:
        """The client has its file; the job ends, or waits for the next request."""
        self._forget_retrieval(retrieval)
        job = retrieval.job
        job.document(retrieval.document)
        if job.ending:
            return
        turn = self._turn
        assert turn is not None
        assert turn.job is job
        turn.files += 1
        request = job.order.request
        wanted = job.order.images if request.source.is_feeder else job.order.images or 1
        if request.format.multi_page or turn.files == wanted:
            job.finish(with_errors=retrieval.trouble is not None)
            self._end(job, NoImagesAvailable())
        else:
            job.because(JobReason.NONE)
            self._arm(job)

    def image_abandoned(self, retrieval: Retrieval) -> None:
        """The client has gone: a job that only waited goes on waiting, a started one is given up."""
        self._forget_retrieval(retrieval)
        job = retrieval.job
        if job.ending:
            return
        if job.state is JobState.PENDING and not retrieval.begun:
            self._arm(job)
            return
        self.log.warn(
            "the client of job {job_id} went away before its image was complete: it is given up. Somebody cancelled "
            "there, or the connection broke; the computer's own message says which",
            job_id=job.id,
        )
        job.give_up(JobReason.IMAGE_TRANSFER_ERROR)
        self._end(job, JobCancelled())

    def pause(self) -> None:
        """The client is slow: let the scanner wait."""
        if self._turn is not None:
            self._turn.pause()

    def resume(self) -> None:
        """The client has caught up."""
        if self._turn is not None:
            self._turn.resume()

    # -- JobObserver, called by the jobs ---------------------------------------------------------

    def job_changed(self, status: JobStatus) -> None:
        """Pass it on."""
        for observer in self._observers:
            observer.job_changed(status)

    def job_ended(self, job: Job) -> None:
        """Move the job to the history, then pass it on."""
        del self._active[job.id]
        self._history.append(job)
        self._disarm(job)
        # The one line that every job has in the log, so all there is to know of it stands in it.
        self.log.info(
            "job {job_id} {ending}, {order}",
            job_id=job.id,
            ending=_ending(job.status),
            order=_wanted(job.order),
            client=job.order.owner,
        )
        for observer in self._observers:
            observer.job_ended(job)

    # -- the order of things ---------------------------------------------------------------------

    def _grant(self, retrieval: Retrieval) -> None:
        """Give the scanner to the job of `retrieval`."""
        self._turn = turn = Turn(retrieval.job, self._scanner)
        turn.gone.addCallback(self._released)
        self._scanner.status.busy(True)
        retrieval.job.granted()
        turn.scan(retrieval)

    def _end(self, job: Job, error: Exception, after: float = 0) -> None:
        """The job is over or terminating: answer its client `after` seconds, and give the scanner back if it has it."""
        self._disarm(job)
        retrieval = self._retrievals.get(job.id)
        if retrieval is not None:
            self._forget_retrieval(retrieval)
            retrieval.refuse(error, after)
        if self._turn is not None and self._turn.job is job:
            self._turn.end()
        else:
            job.released()

    def _released(self, _result: object) -> None:
        """The scanner is free: end the job that had it, and give it to the next in line."""
        assert self._turn is not None
        job = self._turn.job
        self._turn = None
        job.released()
        while self._line and self._turn is None:
            retrieval = self._line.popleft()
            if not retrieval.over:
                self._grant(retrieval)
        if self._turn is None:
            self._scanner.status.busy(False)

    def _forget_failure_later(self) -> None:
        """Nobody can know how long a failure lasts when nobody tries again."""
        if self._forgetting is not None and self._forgetting.active():
            self._forgetting.cancel()
        self._forgetting = self._clock.callLater(CONDITION_MEMORY_S, outcomes.forget, self._scanner.status)

    def _forget_retrieval(self, retrieval: Retrieval) -> None:
        self._retrievals.pop(retrieval.job.id, None)
        if retrieval in self._line:
            self._line.remove(retrieval)

    def _arm(self, job: Job) -> None:
        """The client must come again within the time-out (wsd-scan.md 11.3)."""
        self._timers[job.id] = self._clock.callLater(self._limits.retrieve_timeout_s, self._timed_out, job)

    def _disarm(self, job: Job) -> None:
        timer = self._timers.pop(job.id, None)
        if timer is not None and timer.active():
            timer.cancel()

    def _timed_out(self, job: Job) -> None:
        self.log.warn(
            "nobody came for the image of job {job_id} within {seconds:g} s: it is given up. The computer has gone, or "
            "asks a person something; jobs.retrieve_timeout_s gives it longer",
            job_id=job.id,
            seconds=self._limits.retrieve_timeout_s,
        )
        job.give_up(JobReason.JOB_TIMED_OUT)
        self._end(job, JobCancelled())


def _ending(status: JobStatus) -> str:
    """What became of a job, for the log."""
    reason = status.reasons[0]
    why = "" if reason is JobReason.NONE else f" ({reason.value})"
    count = status.scans_completed
    return f"{status.state.value}{why}: {count} image{'' if count == 1 else 's'}"


def _wanted(order: JobOrder) -> str:
    """What a client wants, for the log."""
    request = order.request
    kind = f"{request.format.value} {request.color.value} {request.resolution.width} dpi from {request.source.value}"
    return f"{order.name!r} of {order.user!r} from {order.owner}, {kind}"


def _is_loopback(client: str) -> bool:
    """Whether the address literal `client` is this machine itself."""
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False
