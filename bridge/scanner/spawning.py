"""How processes that load libsane are started, and the two that live for one answer: listing and describing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from bridge.errors import ScannerError
from bridge.scanner import protocol
from bridge.scanner.imagepipe import ImageWay
from bridge.scanner.model import Capabilities, Device
from bridge.scanner.process import WorkerProcess
from bridge.scanner.protocol import Event, Status
from bridge.scanner.quirks import NO_QUIRKS, Quirks

LISTING = "bridge.scanner.listing"
WORKER = "bridge.scanner.worker"

LISTING_TIMEOUT_S = 60.0
"""For all backends together to look for their scanners; some wait for a device that boots."""

DESCRIBE_TIMEOUT_S = 60.0
"""For a scanner to open and say what it can do; a cold lamp takes most of it."""

_NOT_FOR_WORKERS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "SANE_DEFAULT_DEVICE")


class Spawner:
    """Starts processes with the pipes of `bridge.scanner.protocol`.

    `reactor` has Twisted's IReactorProcess and IReactorTime; `sane_config_dir` is SANE_CONFIG_DIR's value;
    `memory_limit` is how many bytes each process may have, 0: what suits the machine (`child.automatic_memory`).
    """

    def __init__(self, reactor: Any, sane_config_dir: str, memory_limit: int = 0) -> None:
        self._reactor = reactor
        self._memory_limit = memory_limit
        self._environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_WORKERS}
        here = os.path.abspath(__file__)
        self._environment["PYTHONPATH"] = os.path.dirname(os.path.dirname(os.path.dirname(here)))
        self._environment["SANE_CONFIG_DIR"] = sane_config_dir

    @property
    def clock(self) -> IReactorTime:
        """The clock of everything started here."""
        clock: IReactorTime = self._reactor
        return clock

    def worker(self, title: str) -> WorkerProcess:
        """A new worker process; `title` names it in the log."""
        worker = WorkerProcess(self._reactor, title)
        way = ImageWay()
        try:
            process = self._spawn(worker, WORKER, way.workers_end)
        except BaseException:
            way.close()
            raise
        way.attach(process)
        return worker

    def devices(self) -> Deferred[tuple[Device, ...]]:
        """The scanners that SANE finds now. Fails with ScannerError.

        A fresh process each time: many backends never see a plug or unplug again in the same process.
        """
        listing = _Listing(self._reactor)
        self._spawn(listing, LISTING)
        return listing.answer

    def describe(self, device: Device, quirks: Quirks = NO_QUIRKS) -> Deferred[Capabilities]:
        """What `device` can do, of which `quirks` are known, asked by a worker of its own.

        Fails with ScannerError; cancelling ends the worker.
        """
        return _Describing(self.worker(device.title), device, quirks, self._reactor).answer

    def _spawn(self, process: ProcessProtocol, module: str, image: int | str = "r") -> Any:
        pipes = {0: "w", 1: "r", 2: "r", protocol.IMAGE_FD: image, protocol.EVENT_FD: "r"}
        arguments = [sys.executable, "-m", module, *([str(self._memory_limit)] if self._memory_limit else [])]
        return self._reactor.spawnProcess(process, sys.executable, arguments, self._environment, childFDs=pipes)


class _Listing(ProcessProtocol):
    """Waits for the one frame of the listing process."""

    def __init__(self, clock: IReactorTime) -> None:
        self.answer: Deferred[tuple[Device, ...]] = Deferred()
        self._heard = bytearray()
        self._trouble = bytearray()
        self._deadline = clock.callLater(LISTING_TIMEOUT_S, self._too_late)
        self._settled = False

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """The frame, or what a backend has to say, of which the beginning is kept for an error."""
        heard = self._heard if childFD == protocol.EVENT_FD else self._trouble
        if len(heard) <= protocol.MAX_FRAME:
            heard += data

    def processEnded(self, reason: Failure) -> None:
        """It has said all that it will say."""
        line, _, _ = bytes(self._heard).partition(b"\n")
        try:
            frame = protocol.read_frame(line)
        except protocol.FrameError:
            said = self._trouble[-300:].decode("utf-8", "replace").strip() or reason.getErrorMessage()
            self._fail(ScannerError(Status.DIED, f"looking for scanners failed: {said}"))
            return
        if not isinstance(frame, protocol.Listed):
            self._fail(ScannerError(Status.PROTOCOL, "looking for scanners gave something else"))
        elif self._settle():
            self.answer.callback(frame.devices)

    def _too_late(self) -> None:
        transport: Any = self.transport
        try:
            transport.signalProcess("KILL")
        except ProcessExitedAlready:
            # A child of its own holds the pipes open.
            pass
        self._fail(ScannerError(Status.STALLED, f"looking for scanners took more than {LISTING_TIMEOUT_S:g} s"))

    def _fail(self, error: ScannerError) -> None:
        if self._settle():
            self.answer.errback(error)

    def _settle(self) -> bool:
        if self._settled:
            return False
        self._settled = True
        if self._deadline.active():
            self._deadline.cancel()
        return True


class _Describing:
    """A worker's owner for one Describe; `answer` fires when the worker is gone, so that the device is free."""

    def __init__(self, worker: WorkerProcess, device: Device, quirks: Quirks, clock: IReactorTime) -> None:
        self.answer: Deferred[Capabilities] = Deferred(lambda _answer: self._give_up())
        self._worker = worker
        self._question = protocol.Describe(device.name, device.kind, quirks)
        self._patience_s = max(DESCRIBE_TIMEOUT_S, quirks.start_timeout_s)
        self._deadline = clock.callLater(self._patience_s, self._too_late)
        worker.owner = self

    def worker_said(self, event: Event) -> None:
        """Ready, then the answer."""
        if isinstance(event, protocol.Ready):
            self._worker.send(self._question)
        elif isinstance(event, protocol.Described):
            capabilities = event.capabilities
            self._finish(lambda: self.answer.callback(capabilities))
        elif isinstance(event, protocol.Failed):
            self._fail(ScannerError(event.status, event.message))

    def worker_sent(self, data: bytes) -> None:
        """Nothing is scanned."""

    def worker_failed(self, error: ScannerError) -> None:
        """The worker is gone without an answer."""
        self._fail(error)

    def _too_late(self) -> None:
        self._worker.kill()
        self._fail(ScannerError(Status.STALLED, f"the scanner did not answer within {self._patience_s:g} s"))

    def _give_up(self) -> None:
        """Nobody wants to know any more: the device is gone."""
        if self._deadline.active():
            self._deadline.cancel()
        self._worker.kill()

    def _fail(self, error: ScannerError) -> None:
        self._finish(lambda: self.answer.errback(error))

    def _finish(self, settle: Callable[[], None]) -> None:
        if self._deadline.active():
            self._deadline.cancel()
        self._worker.dismiss().addCallback(lambda _gone: settle())
