"""The image of a test scan, streamed to the browser as the scanner delivers it; never held as a page."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET

from bridge.errors import BridgeError, JobNotFound, NotPossibleNow, Refusal, TemporaryError
from bridge.http.site import plain
from bridge.jobs.retrieval import Retrieval
from bridge.web.trials import Trial

log = Logger()


class ImageAnswer:
    """Answers one request with the image of `trial`; the client may go at any moment."""

    def __init__(self, request: Any, trial: Trial) -> None:
        self._request = request
        self._trial = trial
        self._asking: Deferred[Retrieval] | None = None
        self._retrieval: Retrieval | None = None
        self._gone = False
        self._ended = False

    def start(self) -> bytes | int:
        """Ask for the image; what is refused at once is the result."""
        job = self._trial.job
        try:
            self._asking = self._trial.served.queue.retrieve(job.id, job.token, job.order.name)
        except Refusal as error:
            return refused(self._request, error)
        self._request.notifyFinish().addErrback(self._lost)
        self._asking.addCallbacks(self._begin, self._refuse)
        self._asking.addErrback(self._broken)
        return NOT_DONE_YET

    def _begin(self, retrieval: Retrieval) -> None:
        """The headers may go out."""
        self._retrieval = retrieval
        if self._gone:
            retrieval.abandon()
            return
        trial, request = self._trial, self._request
        way = b"inline" if trial.preview else b"attachment"
        request.setHeader(b"content-type", trial.format.media_type.encode("ascii"))
        request.setHeader(b"content-disposition", b'%s; filename="%s"' % (way, trial.file_name.encode("ascii")))
        retrieval.deliver(request).addCallbacks(self._delivered, self._broken)

    def _delivered(self, _nothing: None) -> None:
        if self._gone:
            return
        self._ended = True
        assert self._retrieval is not None
        # Before finish: that may start the client's next request, which must find this image delivered.
        self._retrieval.delivered()
        self._request.finish()

    def _refuse(self, failure: Failure) -> None:
        if failure.check(CancelledError) or self._gone:
            return
        self._ended = True
        body = refused(self._request, failure.value)
        self._request.setHeader(b"content-length", b"%d" % len(body))
        self._request.write(body)
        self._request.finish()

    def _broken(self, failure: Failure) -> None:
        """Without its last chunk the browser knows that something is missing."""
        if not failure.check(BridgeError):
            log.failure("a test scan was broken off", failure)
        if not self._gone and not self._ended:
            self._ended = True
            self._request.abort()

    def _lost(self, _failure: Failure) -> None:
        self._gone = True
        if self._ended:
            return
        if self._retrieval is not None:
            self._retrieval.abandon()
        elif self._asking is not None:
            self._asking.cancel()


def refused(request: Any, error: BaseException | None) -> bytes:
    """Set up an answer that says `error`; the result is its body. A defect of ours goes to the log whole."""
    if not isinstance(error, BridgeError):
        log.error("a test scan failed: {error!r}", error=error)
        return plain(request, 500, "an unexpected error; the log of the bridge says more")
    if isinstance(error, JobNotFound):
        return plain(request, 404, str(error))
    return plain(request, 503 if isinstance(error, TemporaryError | NotPossibleNow) else 409, str(error))
