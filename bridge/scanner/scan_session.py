"""A scanner opened for one job: images, their watchdog, their end (`bridge.interfaces.ScanSession`)."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bridge.errors import ScannerError
from bridge.interfaces import ImageSink
from bridge.scanner import protocol
from bridge.scanner.process import WorkerProcess
from bridge.scanner.protocol import Event, Status


class WorkerSession:
    """Turns what a worker says into calls of an `ImageSink`.

    The worker gets `start_timeout_s` to deliver the first line of each page and `read_timeout_s` between two signs of
    progress; while its pipe is left unread because the client is slow, no time counts. `close_worker` is told how many
    images were whole and how the worker broke, if it did; it gives the worker back and tells when it is gone.
    """

    def __init__(
        self,
        worker: WorkerProcess,
        clock: IReactorTime,
        start_timeout_s: float,
        read_timeout_s: float,
        close_worker: Callable[[int, ScannerError | None], Deferred[None]],
    ) -> None:
        self._worker = worker
        self._clock = clock
        self._start_timeout_s = start_timeout_s
        self._read_timeout_s = read_timeout_s
        self._close_worker = close_worker
        self._sink: ImageSink | None = None
        self._received = 0
        self._promised: int | None = None
        self._trouble: protocol.Trouble | None = None
        self._paused = False
        self._allowance = 0.0
        self._watchdog: IDelayedCall | None = None
        self._broken: ScannerError | None = None
        self._images = 0
        worker.owner = self

    # -- ScanSession -----------------------------------------------------------------------------

    def start_image(self, sink: ImageSink) -> None:
        """Scan the next file into `sink`."""
        assert self._sink is None, "one image at a time"
        if self._broken is not None:
            sink.image_failed(self._broken)
            return
        if self._paused:
            # By the image before, which failed when more of it had come than anybody took.
            self.resume()
        self._sink = sink
        self._received = 0
        self._promised = None
        self._worker.send(protocol.StartImage())
        self._expect(self._start_timeout_s)

    def pause(self) -> None:
        """Leave the pipe unread; the watchdog sleeps, for it is the client who is slow."""
        self._paused = True
        self._worker.pause_images()
        self._stop_watchdog()

    def resume(self) -> None:
        """Read the pipe again."""
        self._paused = False
        self._worker.resume_images()
        if self._sink is not None:
            self._expect(self._allowance)

    def cancel(self) -> None:
        """Stop scanning now; the image fails as cancelled, whatever the scanner does."""
        if self._sink is not None:
            self._worker.send(protocol.Cancel())
            self._fail(ScannerError(Status.CANCELLED, "the scan was cancelled"))

    def close(self) -> Deferred[None]:
        """Stop what is under way and give the scanner back."""
        self._stop_watchdog()
        self._sink = None
        closed: Deferred[None] = Deferred()
        self._close_worker(self._images, self._broken).addBoth(lambda _gone: closed.callback(None))
        return closed

    # -- WorkerOwner -----------------------------------------------------------------------------

    def worker_said(self, event: Event) -> None:
        """A frame of the worker."""
        sink = self._sink
        if sink is None:
            return
        if isinstance(event, protocol.ImageStarted):
            self._expect(self._read_timeout_s)
            sink.image_started()
        elif isinstance(event, protocol.Progress):
            self._expect(self._read_timeout_s)
        elif isinstance(event, protocol.PageScanned):
            self._expect(self._start_timeout_s)
            sink.page_scanned()
        elif isinstance(event, protocol.ImageDone):
            self._promised, self._trouble = event.bytes, event.trouble
            self._expect(self._read_timeout_s)
            self._check_complete()
        elif isinstance(event, protocol.Failed):
            self._fail(ScannerError(event.status, event.message))

    def worker_sent(self, data: bytes) -> None:
        """Bytes of the image."""
        if self._sink is None:
            return
        self._received += len(data)
        if not self._paused:
            self._expect(self._allowance)
        self._sink.image_data(data)
        self._check_complete()

    def worker_failed(self, error: ScannerError) -> None:
        """The worker is gone."""
        self._broken = error
        self._fail(error)

    # -- inside ----------------------------------------------------------------------------------

    def _check_complete(self) -> None:
        """The file is whole when the pipe has brought as many bytes as the worker says it wrote."""
        if self._promised is None or self._sink is None:
            return
        if self._received > self._promised:
            self._fail(ScannerError(Status.PROTOCOL, "the worker sent more bytes than it says"))
        elif self._received == self._promised:
            self._stop_watchdog()
            self._images += 1
            sink, self._sink = self._sink, None
            if self._trouble is not None:
                sink.image_cut_short(ScannerError(self._trouble.status, self._trouble.message))
            sink.image_done()

    def _fail(self, error: ScannerError) -> None:
        self._stop_watchdog()
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.image_failed(error)

    def _expect(self, seconds: float) -> None:
        """The worker must show progress within `seconds`, from now on."""
        self._allowance = seconds
        if self._paused:
            self._stop_watchdog()
        elif self._watchdog is not None and self._watchdog.active():
            # For each piece of an image, and much cheaper than a new one.
            self._watchdog.reset(seconds)
        else:
            self._watchdog = self._clock.callLater(seconds, self._stalled)

    def _stalled(self) -> None:
        error = ScannerError(Status.STALLED, f"no sign of progress for {self._allowance:g} s")
        self._broken = error
        self._worker.kill()
        self._fail(error)

    def _stop_watchdog(self) -> None:
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None and watchdog.active():
            watchdog.cancel()
