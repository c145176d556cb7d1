"""Keeps a warm worker for one scanner, hands it out for one job, and replaces it (design 2).

A worker that dies or hangs costs its one job. A scanner whose workers keep failing is tried again with growing
pauses, and meanwhile its status says that somebody should look.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.errors import ScannerError
from bridge.interfaces import ScanSession
from bridge.scanner import outcomes, protocol
from bridge.scanner.buttons import ButtonWatch, WatchState
from bridge.scanner.model import SPOOL_LIMIT, Capabilities, Device, InputSource, ScanRequest
from bridge.scanner.process import WorkerProcess
from bridge.scanner.protocol import Event, Status
from bridge.scanner.quirks import NO_QUIRKS, Quirks
from bridge.scanner.scan_session import WorkerSession
from bridge.scanner.status import ScannerStatus, StateReason

READY_TIMEOUT_S = 30.0
"""From the start of a worker process until it is ready; on a slow board imports take seconds."""

FIRST_PAUSE_S = 0.5
"""Before a worker that failed without having served anything is replaced; doubled each time."""

LONGEST_PAUSE_S = 60.0
"""The longest of these pauses."""

FAILURES_TO_STOP = 3
"""So many failures in a row, of idle workers or of jobs, and the scanner is shown as Stopped."""

PAGE_PATIENCE_S = 180.0
"""More time to end for the worker of a scanner that survives no cancel: its page is read to the end."""

STOP_PATIENCE_S = 20.0
"""The same when the bridge stops, for which systemd gives it 45 s (scanbridge.service)."""

PROVEN_S = 30.0
"""A worker that has been ready for so long ends that, though no job has come: somebody may try again."""


class SupervisedScanner:
    """A scanner behind worker processes (`bridge.interfaces.Scanner`).

    `spawn_worker` starts a worker; `capabilities` are those that `describe` found; `buttons` is told when a worker has
    nothing to do and may watch them. `restarts` counts workers that had to be replaced because they failed. `quirks`
    are what is known of the scanner; `spool_limit` is how many bytes a worker may keep of an image.
    """

    log = Logger()

    def __init__(
        self,
        device: Device,
        name: str,
        capabilities: Capabilities,
        status: ScannerStatus,
        clock: IReactorTime,
        spawn_worker: Callable[[], WorkerProcess],
        start_timeout_s: float = 60.0,
        read_timeout_s: float = 30.0,
        buttons: ButtonWatch | None = None,
        quirks: Quirks = NO_QUIRKS,
        spool_limit: int = SPOOL_LIMIT,
    ) -> None:
        self.buttons = buttons or ButtonWatch(device.name, name, clock, lambda _button: None)
        self.buttons.hangs = self._watch_hangs
        self._device = device
        self._name = name
        self._capabilities = capabilities
        self._status = status
        self._clock = clock
        self._spawn_worker = spawn_worker
        self._quirks = quirks
        self._spool_limit = spool_limit
        self._start_timeout_s = quirks.start_timeout_s or start_timeout_s
        self._read_timeout_s = read_timeout_s
        self._worker: WorkerProcess | None = None
        self._warm = False
        self._leaving: WorkerProcess | None = None
        self._opening: _Opening | None = None
        self._failures = 0
        self._failed_jobs = 0
        self._again: IDelayedCall | None = None
        self._stopping = False
        self.restarts = 0

    # -- Scanner ---------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self._capabilities

    @property
    def status(self) -> ScannerStatus:
        """What it is doing."""
        return self._status

    @property
    def worker_pid(self) -> int | None:
        """The process id of the present worker."""
        return self._worker.pid if self._worker is not None else None

    def loaded_source(self) -> InputSource:
        """The feeder when a sensor that is watched says that it holds paper, else the glass where there is one."""
        if self._quirks.page_sensor and self.buttons.page_loaded and InputSource.ADF in self._capabilities.sources:
            return InputSource.ADF
        return self._capabilities.sources[0]

    def feeder_is_empty(self) -> bool:
        """Whether a sensor that is watched, and has told of paper before, says that the feeder holds none."""
        return self._quirks.page_sensor and self.buttons.feeder_empty

    def open(self, request: ScanRequest) -> Deferred[ScanSession]:
        """Open the scanner for one job. Fails with ScannerError; cancelling it ends the worker."""
        assert self._opening is None, "the queue opens a scanner for one job at a time"
        self._opening = opening = _Opening(
            protocol.Open(self._device.name, request, self._quirks, self._spool_limit), self
        )
        self.start()
        if self._worker is not None and self._warm:
            self.buttons.taken()
            opening.begin(self._worker)
        return opening.opened

    def adopt(self, capabilities: Capabilities) -> None:
        """It can do this from now on; the job under way, if any, keeps what it was promised."""
        self._capabilities = capabilities

    # -- the worker ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a worker where there is none, so that it is warm when it is needed."""
        if self._worker is None and self._leaving is None:
            self._replace_now()

    def stop(self) -> Deferred[None]:
        """End the worker for good. Fires when it is gone."""
        self._stopping = True
        self.buttons.taken()
        if self._again is not None and self._again.active():
            self._again.cancel()
        done: Deferred[None] = Deferred()
        last = self._worker or self._leaving
        if last is None:
            done.callback(None)
        else:
            last.hurry(STOP_PATIENCE_S)
            last.dismiss().addCallback(lambda _gone: done.callback(None))
        return done

    def worker_said(self, event: Event) -> None:
        """The worker is warm, or speaks of its buttons; what belongs to a job is heard by the opening or session."""
        if not isinstance(event, protocol.Ready):
            self.buttons.heard(event)
            self._show_paper()
            if isinstance(event, protocol.WatchFailed) and event.status is not Status.DEVICE_BUSY:
                self._leave_failed_watch()
            return
        self._warm = True
        self._stop_again()
        if self._failures or self._failed_jobs >= FAILURES_TO_STOP:
            self._again = self._clock.callLater(PROVEN_S, self._proven)
        assert self._worker is not None
        if self._opening is not None:
            self._opening.begin(self._worker)
        else:
            self.buttons.idle(self._worker)
            self._show_paper()

    def worker_sent(self, data: bytes) -> None:
        """No image is under way: whatever comes belongs to nobody."""

    def worker_failed(self, error: ScannerError) -> None:
        """The worker ended before it had anything to do."""
        self._failed(error)

    def opened(self, worker: WorkerProcess) -> ScanSession:
        """The opening has succeeded: a session for it."""
        self._opening = None
        self._stop_again()
        self._failures = 0
        if self._failed_jobs < FAILURES_TO_STOP:
            self._proven()
        return WorkerSession(
            worker, self._clock, self._start_timeout_s, self._read_timeout_s, partial(self._session_over, worker)
        )

    def not_opened(self, error: ScannerError) -> None:
        """The opening has failed: the worker is of no use any more."""
        self._opening = None
        if self._worker is not None:
            self._give_back(self._worker)
        if error.status in (Status.DIED, Status.STALLED, Status.PROTOCOL):
            self._count_failed_job(error)

    @property
    def clock(self) -> IReactorTime:
        """The clock of this scanner's time-outs."""
        return self._clock

    @property
    def start_timeout_s(self) -> float:
        """Seconds that opening may take."""
        return self._start_timeout_s

    def _session_over(self, worker: WorkerProcess, images: int, broken: ScannerError | None) -> Deferred[None]:
        """A job is done with `worker`, which has scanned so many images whole, and broke as `broken` says."""
        if broken is not None:
            self._count_failed_job(broken)
        elif images:
            self._failed_jobs = 0
            self._proven()
        return self._give_back(worker)

    def _give_back(self, worker: WorkerProcess) -> Deferred[None]:
        """End `worker`, and have a fresh one as soon as it is gone. Fires when it is gone."""
        gone: Deferred[None] = Deferred()
        if self._worker is worker:
            self._warm = False
            self._stop_again()

        def replace(_gone: None) -> None:
            if self._worker is worker:
                self.restarts += worker.failed
                self._worker = None
                self._replace_now()
            gone.callback(None)

        worker.dismiss().addCallback(replace)
        return gone

    def _replace_now(self) -> None:
        self._stop_again()
        if self._stopping:
            return
        self._warm = False
        self._worker = self._spawn_worker()
        self._worker.owner = self
        if not self._quirks.survives_cancel:
            self._worker.patience_s = PAGE_PATIENCE_S
        self._again = self._clock.callLater(READY_TIMEOUT_S, self._not_ready)

    def _not_ready(self) -> None:
        assert self._worker is not None
        self._worker.kill()
        self._failed(ScannerError(Status.STALLED, f"the worker was not ready within {READY_TIMEOUT_S:g} s"))

    def _failed(self, error: ScannerError) -> None:
        """The worker is lost; start another after a pause that grows, when the process has let go of the device."""
        assert self._worker is not None
        self.restarts += 1
        self._leaving, self._worker = self._worker, None
        self._warm = False
        self._stop_again()
        # After a night of failures the power itself would be too large to count with.
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self._failures, 16))
        self._leaving.gone.addCallback(lambda _gone: self._replace_after(pause))
        # Last: the job whose opening fails makes room for another, which may open the scanner at once.
        if self._opening is not None:
            self._opening.fail(error)
        elif self.buttons.lost(error):
            self.log.warn("{name}: {error}, while its buttons were watched", name=self._name, error=error)
        else:
            self._count_failure(error)

    def _replace_after(self, pause: float) -> None:
        """The process that was lost is gone: a job that waits gets its successor at once."""
        self._leaving = None
        if self._opening is not None:
            self._replace_now()
        elif not self._stopping:
            self._again = self._clock.callLater(pause, self._replace_now)

    def _proven(self) -> None:
        """Workers work again."""
        self._failures = 0
        self._status.resume(_WORKER)

    def _show_paper(self) -> None:
        """Between two watches what was seen last stays; when nobody is to look, nobody knows."""
        if InputSource.ADF in self._capabilities.sources and self.buttons.state is not WatchState.PAUSED:
            outcomes.show_paper(self._status, False if self.feeder_is_empty() else self.buttons.page_loaded or None)

    def _leave_failed_watch(self) -> None:
        """A driver that failed when it was looked at may not be itself any more: the next job gets a fresh process."""
        if self._worker is not None and self.buttons.state is WatchState.WAITING:
            self.buttons.released()
            self._give_back(self._worker)

    def _watch_hangs(self) -> None:
        assert self._worker is not None
        self._worker.kill()
        self._failed(ScannerError(Status.STALLED, "the worker does not come back from looking at the buttons"))

    def _count_failure(self, error: ScannerError) -> None:
        self._failures += 1
        self.log.warn("{name}: {error} (failure {count} in a row)", name=self._name, error=error, count=self._failures)
        self._stop_after(self._failures)

    def _count_failed_job(self, error: ScannerError) -> None:
        """Jobs come when people want them, so nothing pauses; but only a whole image shows that it is over."""
        self._failed_jobs += 1
        self.log.warn("{name}: {error} (job {count} in a row)", name=self._name, error=error, count=self._failed_jobs)
        self._stop_after(self._failed_jobs)

    def _stop_after(self, failures: int) -> None:
        if failures >= FAILURES_TO_STOP:
            self._status.stop(_WORKER, StateReason.ATTENTION_REQUIRED)

    def _stop_again(self) -> None:
        again, self._again = self._again, None
        if again is not None and again.active():
            again.cancel()


_WORKER = "worker"
"""Who stops the scanner's status when workers keep failing."""


class _Opening:
    """The opening of the scanner for one job, from the queue's wish to the worker's answer."""

    def __init__(self, command: protocol.Open, scanner: SupervisedScanner) -> None:
        self.opened: Deferred[ScanSession] = Deferred(lambda _opened: self._give_up())
        self._command = command
        self._scanner = scanner
        self._worker: WorkerProcess | None = None
        self._deadline = scanner.clock.callLater(scanner.start_timeout_s, self._stalled)
        self._settled = False

    def begin(self, worker: WorkerProcess) -> None:
        """The worker is warm: ask it."""
        self._worker = worker
        worker.owner = self
        worker.send(self._command)

    def fail(self, error: ScannerError) -> None:
        """It does not work."""
        if self._settle():
            self._scanner.not_opened(error)
            self.opened.errback(error)

    def worker_said(self, event: Event) -> None:
        """The worker's answer."""
        if isinstance(event, protocol.Failed):
            self.fail(ScannerError(event.status, event.message))
        elif isinstance(event, protocol.Opened) and self._settle():
            assert self._worker is not None
            self._scanner.log.debug("{name}: {settings}", name=self._scanner.name, settings=event.settings)
            self.opened.callback(self._scanner.opened(self._worker))

    def worker_sent(self, data: bytes) -> None:
        """No image is under way yet."""

    def worker_failed(self, error: ScannerError) -> None:
        """The worker is gone."""
        self.fail(error)

    def _stalled(self) -> None:
        if self._worker is not None:
            self._worker.kill()
        self.fail(ScannerError(Status.STALLED, f"the scanner did not open within {self._scanner.start_timeout_s:g} s"))

    def _give_up(self) -> None:
        """The job was cancelled while its scanner was being opened."""
        if self._settle():
            self._scanner.not_opened(ScannerError(Status.CANCELLED, "the scan was cancelled"))

    def _settle(self) -> bool:
        """Whether this is the first answer."""
        if self._settled:
            return False
        self._settled = True
        if self._deadline.active():
            self._deadline.cancel()
        return True
