"""A job's turn at the scanner: from the moment it is granted until the scanner is given back."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bridge.errors import ScannerError
from bridge.interfaces import Scanner, ScanSession
from bridge.jobs.job import Job
from bridge.jobs.retrieval import Retrieval


class Turn:
    """Opens the scanner for the first image, keeps it open between images, closes it at the end.

    `gone` fires once, when the scanner is free again. `files` counts delivered files.
    """

    def __init__(self, job: Job, scanner: Scanner) -> None:
        self.job = job
        self.gone: Deferred[None] = Deferred()
        self.files = 0
        self._scanner = scanner
        self._session: ScanSession | None = None
        self._opening: Deferred[ScanSession] | None = None
        self._ended = False

    def scan(self, retrieval: Retrieval) -> None:
        """Ask the scanner for the next file and let `retrieval` hear of it."""
        retrieval.scanner_asked()
        if self._session is not None:
            self._start(retrieval)
            return
        self._opening = self._scanner.open(self.job.order.request)
        self._opening.addCallbacks(self._opened, self._refused, callbackArgs=(retrieval,), errbackArgs=(retrieval,))

    def pause(self) -> None:
        """Hand over no more bytes for now."""
        if self._session is not None:
            self._session.pause()

    def resume(self) -> None:
        """Go on handing over bytes."""
        if self._session is not None:
            self._session.resume()

    def end(self) -> None:
        """Stop whatever goes on and give the scanner back; harmless when it is being given back already."""
        if self._ended:
            return
        self._ended = True
        if self._opening is not None:
            self._opening.cancel()
        else:
            self._give_back()

    def _opened(self, session: ScanSession, retrieval: Retrieval) -> None:
        self._opening = None
        self._session = session
        if self._ended:
            self._give_back()
        else:
            self._start(retrieval)

    def _refused(self, failure: Failure, retrieval: Retrieval) -> None:
        """The scanner could not be opened; a cancelled opening is the doing of `end`."""
        self._opening = None
        if self._ended:
            self._give_back()
            return
        error = failure.value
        if not isinstance(error, ScannerError):
            error = ScannerError("protocol", f"opening failed: {failure.getErrorMessage()}")
        self.job.acquiring()
        retrieval.image_failed(error)

    def _start(self, retrieval: Retrieval) -> None:
        assert self._session is not None
        self.job.acquiring()
        self._session.start_image(retrieval)

    def _give_back(self) -> None:
        session, self._session = self._session, None
        if session is None:
            self.gone.callback(None)
            return
        session.close().addCallback(lambda _closed: self.gone.callback(None))
