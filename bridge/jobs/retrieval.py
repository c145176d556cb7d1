"""One RetrieveImage while it is answered: it waits, hears of the image, and brings its bytes to the client."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IDelayedCall, IReactorTime

from bridge.errors import JobCancelled, ScannerError
from bridge.jobs.buffer import ImageBuffer
from bridge.jobs.job import Job
from bridge.jobs.states import JobReason

QUEUE_PATIENCE_S = 40.0
"""Wait for the scanner before headers go out without it: Windows allows 60 s for them (design, rulings)."""

START_PATIENCE_S = 10.0
"""Wait for a scanner that was asked to start before headers go out without it, such as for a cold lamp."""


CANCEL_GRACE_S = 0.5
"""From a client's CancelJob until its image connection is broken off: sane-airscan, which waits for the answer to
CancelJob on another connection, can wait for ever when the image ends first."""


class RetrievalOwner(Protocol):
    """What a retrieval tells the queue."""

    def image_started(self, retrieval: Retrieval) -> None:
        """The scanner works: its first line is there."""

    def image_failed(self, retrieval: Retrieval, error: ScannerError) -> None:
        """The scanner failed with this image."""

    def image_cut_short(self, retrieval: Retrieval, error: ScannerError) -> None:
        """The scanner failed after some pages of a file; the client gets those."""

    def image_delivered(self, retrieval: Retrieval) -> None:
        """The client's answer is complete."""

    def image_abandoned(self, retrieval: Retrieval) -> None:
        """The client has gone before its answer was complete."""

    def pause(self) -> None:
        """Let the scanner wait."""

    def resume(self) -> None:
        """Let the scanner go on."""


class Retrieval:
    """An `ImageSink` for the scanner and an `ImageStream` for HTTP.

    `ready` fires with this object when the HTTP headers should go out: when the first line is there, or when
    patience is over; it fails while a fault can still be said. Cancelling it means that the client has gone.
    `begun` says that headers may be out, `started` that the image's first line is there, `trouble` what kept pages from
    coming into the file.
    """

    def __init__(self, job: Job, document: str, clock: IReactorTime, owner: RetrievalOwner) -> None:
        self.job = job
        self.document = document
        self.ready: Deferred[Retrieval] = Deferred(lambda _ready: self.abandon())
        self.begun = False
        self.started = False
        self.trouble: ScannerError | None = None
        self._clock = clock
        self._owner = owner
        self._over = False
        self._telling: IDelayedCall | None = None
        self._scanning = False
        self._moving = False
        self._buffer = ImageBuffer(owner.pause, owner.resume, self._moved)
        self._patience: IDelayedCall | None = clock.callLater(QUEUE_PATIENCE_S, self._begin)

    @property
    def over(self) -> bool:
        """Whether the answer is complete, has failed, or the client has gone."""
        return self._over

    def scanner_asked(self) -> None:
        """The scanner is asked for the image now: a shorter patience begins."""
        self._scanning = True
        if not self.begun:
            self._stop_waiting()
            self._patience = self._clock.callLater(START_PATIENCE_S, self._begin)

    # -- ImageSink -------------------------------------------------------------------------------

    def image_started(self) -> None:
        """The first line is there: no fault of the start can come any more."""
        if self._over:
            return
        self.started = True
        self._owner.image_started(self)
        self._begin()

    def image_data(self, data: bytes) -> None:
        """The next bytes of the file."""
        if not self._over:
            self._buffer.write(data)

    def page_scanned(self) -> None:
        """One image is digitised whole."""
        self.job.page_scanned()
        if not self.job.order.request.format.multi_page:
            self._scanning = False
            self._explain()

    def image_cut_short(self, error: ScannerError) -> None:
        """The file has fewer pages than were wanted."""
        self.trouble = error
        if not self._over:
            self._owner.image_cut_short(self, error)

    def image_done(self) -> None:
        """The file is complete."""
        self._scanning = False
        self._explain()
        self._begin()
        self._buffer.finish()

    def image_failed(self, error: ScannerError) -> None:
        """The image came to nothing."""
        self._scanning = False
        if not self._over:
            self._owner.image_failed(self, error)

    # -- ImageStream -----------------------------------------------------------------------------

    def deliver(self, consumer: IConsumer) -> Deferred[None]:
        """Push the file to `consumer`; fails when the scanner does or the job is cancelled."""
        return self._buffer.deliver(consumer)

    def delivered(self) -> None:
        """The whole answer was handed to the transport."""
        if not self._over:
            self._over = True
            self._owner.image_delivered(self)

    def abandon(self) -> None:
        """The client has gone."""
        if self._telling is not None and self._telling.active():
            self._telling.cancel()
            self._buffer.fail(JobCancelled())
        if not self._over:
            self._over = True
            self._stop_waiting()
            self._buffer.fail(JobCancelled())
            self._owner.image_abandoned(self)

    # -- the queue's side ------------------------------------------------------------------------

    def refuse(self, error: Exception, after: float = 0) -> None:
        """End it with `error`: as a fault while that is possible, else by a broken stream.

        The client hears nothing more from now on, and of the error `after` seconds.
        """
        if self._over:
            return
        self._over = True
        self._stop_waiting()
        self._buffer.discard()
        if after:
            self._telling = self._clock.callLater(after, self._tell, error)
        else:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Let the client hear of `error`, if it is still there."""
        self._buffer.fail(error)
        if not self.begun:
            self.begun = True
            if not self.ready.called:
                self.ready.errback(error)

    def _begin(self) -> None:
        """Let the HTTP headers go out."""
        self._stop_waiting()
        if not self.begun and not self._over:
            self.begun = True
            self.ready.callback(self)

    def _stop_waiting(self) -> None:
        patience, self._patience = self._patience, None
        if patience is not None and patience.active():
            patience.cancel()

    def _moved(self) -> None:
        if not self._moving:
            self._moving = True
            self._explain()

    def _explain(self) -> None:
        """Tell the job's reason from what goes on (design, rulings: JobScanning and its two companions)."""
        if self._over:
            return
        if self._scanning:
            moving = JobReason.JOB_SCANNING_AND_TRANSFERRING
            self.job.because(moving if self._moving else JobReason.JOB_SCANNING)
        else:
            self.job.because(JobReason.JOB_TRANSFERRING)
