"""One worker process as the daemon holds it: frames in and out, image bytes, log lines, and its certain end.

Nothing that the process says is trusted: frames are capped and checked, its log is bounded, and its end never
depends on its goodwill.
"""

from __future__ import annotations

import signal
from typing import Any, Protocol, cast

from automat import NoTransition
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import ScannerError
from bridge.scanner import protocol
from bridge.scanner.lifecycle import WorkerLifecycle
from bridge.scanner.protocol import Command, Event, Status

TERM_AFTER_S = 3.0
"""From the polite request to end until SIGTERM."""

KILL_AFTER_S = 10.0
"""From the polite request to end until SIGKILL."""

LEAVE_AFTER_S = 12.0
"""From the polite request until a process that even SIGKILL does not end is left behind."""

LOG_LINE = 500
"""Longest log line of a worker that is passed on, in characters."""


class WorkerOwner(Protocol):
    """Whoever hears what a worker says."""

    def worker_said(self, event: Event) -> None:
        """The worker said something that fits its state."""

    def worker_sent(self, data: bytes) -> None:
        """Bytes of the image under way."""

    def worker_failed(self, error: ScannerError) -> None:
        """The worker died or misbehaved; comes at most once, and never after `dismiss`."""


class WorkerProcess(ProcessProtocol):
    """Bytes to frames and back. `gone` fires when the process has ended, or was left behind.

    `failed` says that it died by itself or had to be killed. `patience_s` is how much longer than others it may take to
    end when it is asked politely.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, title: str) -> None:
        self.gone: Deferred[None] = Deferred()
        self.owner: WorkerOwner | None = None
        self.failed = False
        self.patience_s = 0.0
        self._clock = clock
        self._title = title
        self._lifecycle = WorkerLifecycle()
        self._frames = bytearray()
        self._log_tail = bytearray()
        self._deadlines: list[IDelayedCall] = []
        self._leaving = False
        self._over = False
        self._last_words = ""

    @property
    def pid(self) -> int | None:
        """The process id, None when it has ended."""
        return None if self._over or self._process is None else cast("int | None", self._process.pid)

    # -- the daemon's side -----------------------------------------------------------------------

    def send(self, command: Command) -> None:
        """Send `command`; a worker that ended meanwhile is noticed elsewhere."""
        if isinstance(command, protocol.Describe):
            self._lifecycle.describe()
        elif isinstance(command, protocol.Watch):
            self._lifecycle.watch()
        elif isinstance(command, protocol.Unwatch):
            self._lifecycle.unwatch()
        elif isinstance(command, protocol.Open):
            self._lifecycle.open_device()
        elif isinstance(command, protocol.StartImage):
            self._lifecycle.start_image()
        if not self._over and self._process is not None:
            self._process.writeToChild(protocol.COMMAND_FD, protocol.write_frame(command))

    def pause_images(self) -> None:
        """Leave the image pipe unread: it fills, and the worker waits."""
        reader = self._image_reader()
        if reader is not None:
            reader.stopReading()

    def resume_images(self) -> None:
        """Read the image pipe again."""
        reader = self._image_reader()
        if reader is not None:
            reader.startReading()

    def dismiss(self) -> Deferred[None]:
        """End the process: politely, then by SIGTERM, then by SIGKILL. Gives `gone`."""
        if not self._leaving and not self._over:
            self._leave()
            self._give_time(self.patience_s)
            self.resume_images()
            self.send(protocol.Cancel())
            self.send(protocol.Close())
        return self.gone

    def hurry(self, patience_s: float) -> None:
        """There is no more time than `patience_s` for it to end politely, also when it was asked to already."""
        if patience_s < self.patience_s:
            self.patience_s = patience_s
            if self._leaving and not self.failed and not self._over:
                self._give_time(patience_s)

    def kill(self) -> Deferred[None]:
        """End the process at once: it has shown that it does not listen. Gives `gone`."""
        self.failed = True
        if not self._leaving and not self._over:
            self._leave()
        self._signal(signal.SIGKILL)
        return self.gone

    # -- the process's side ----------------------------------------------------------------------

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Bytes on one of its pipes."""
        if childFD == protocol.IMAGE_FD:
            if not self._leaving and self.owner is not None:
                self.owner.worker_sent(data)
        elif childFD == protocol.EVENT_FD:
            self._frames += data
            self._read_frames()
        else:
            self._log_tail += data
            self._pass_log()

    def processExited(self, reason: Failure) -> None:
        """The process is reaped; a grandchild may still hold a pipe, so the pipes are not waited for."""
        self._end(reason)

    def processEnded(self, reason: Failure) -> None:
        """The process is reaped and its pipes are closed."""
        self._end(reason)

    def _read_frames(self) -> None:
        while (end := self._frames.find(b"\n")) >= 0:
            line = bytes(self._frames[:end])
            del self._frames[: end + 1]
            try:
                frame = protocol.read_frame(line)
                self._note(frame)
            except (protocol.FrameError, NoTransition) as error:
                self._misbehaved(f"the worker said what it must not: {error}")
                return
            if isinstance(frame, protocol.Failed):
                self._last_words = frame.message
            if not self._leaving and self.owner is not None:
                self.owner.worker_said(frame)  # type: ignore[arg-type]  # _note refuses commands
        if len(self._frames) > protocol.MAX_FRAME:
            self._misbehaved("the worker sent a frame without end")

    def _note(self, frame: Command | Event) -> None:
        """Let the lifecycle check that `frame` fits. Raises NoTransition or FrameError."""
        said = _SAID.get(type(frame))
        if said is None:
            raise protocol.FrameError(f"{type(frame).__name__} is not for workers to say here")
        getattr(self._lifecycle, said)()

    def _misbehaved(self, why: str) -> None:
        self._frames.clear()
        owner, leaving = self.owner, self._leaving
        self.kill()
        if owner is not None and not leaving:
            owner.worker_failed(ScannerError(Status.PROTOCOL, why))

    def _pass_log(self) -> None:
        while (end := self._log_tail.find(b"\n")) >= 0 or len(self._log_tail) > LOG_LINE:
            cut = end if 0 <= end <= LOG_LINE else LOG_LINE
            line = self._log_tail[:cut].decode("utf-8", "replace").rstrip()
            del self._log_tail[: cut + 1 if cut == end else cut]
            if line:
                self.log.info("{title}: {line}", title=self._title, line=line)

    def _end(self, reason: Failure) -> None:
        if self._over:
            return
        self._over = True
        self._lifecycle.exited()
        for deadline in self._deadlines:
            if deadline.active():
                deadline.cancel()
        self._close_pipes()
        leaving = self._leaving
        self._leaving = True
        self.failed = self.failed or not leaving
        if self.owner is not None and not leaving:
            how = self._last_words or reason.getErrorMessage()
            self.owner.worker_failed(ScannerError(Status.DIED, f"the worker process ended by itself: {how}"))
        self.gone.callback(None)

    def _leave(self) -> None:
        """The process is told to end: note when it is given up, if it does not."""
        self._leaving = True
        self._lifecycle.leave()
        self._deadlines = [self._clock.callLater(LEAVE_AFTER_S, self._leave_behind)]

    def _give_time(self, more: float) -> None:
        """The process may end by itself for a while, `more` than usual."""
        for deadline in self._deadlines:
            if deadline.active():
                deadline.cancel()
        self._deadlines = [
            self._clock.callLater(TERM_AFTER_S + more, self._signal, signal.SIGTERM),
            self._clock.callLater(KILL_AFTER_S + more, self._signal, signal.SIGKILL),
            self._clock.callLater(LEAVE_AFTER_S + more, self._leave_behind),
        ]

    def _leave_behind(self) -> None:
        """A process in an uninterruptible call of the kernel: nobody waits for it."""
        if self._over:
            return
        self.log.error(
            "{title}: process {pid} does not end, even by SIGKILL, and is left behind; "
            "unplugging the scanner usually frees it",
            title=self._title,
            pid=self.pid,
        )
        self._over = True
        self._close_pipes()
        self.gone.callback(None)

    def _close_pipes(self) -> None:
        """Let go of the daemon's ends: another process may hold the worker's for ever."""
        if self._process is not None:
            for descriptor in tuple(self._process.pipes):
                self._process.closeChildFD(descriptor)

    def _signal(self, number: signal.Signals) -> None:
        if self._over or self._process is None:
            return
        self.log.warn(
            "{title}: its driver does not stop, so its process is ended by {signal}; a fresh one takes its place",
            title=self._title,
            signal=number.name,
        )
        try:
            self._process.signalProcess(number)
        except ProcessExitedAlready:
            pass

    def _image_reader(self) -> Any | None:
        """The reading end of the image pipe, while it is open; Twisted pauses only all pipes together."""
        return None if self._process is None else self._process.pipes.get(protocol.IMAGE_FD)

    @property
    def _process(self) -> Any | None:
        """Twisted's process transport; its descriptors and its pid are in no interface of Twisted's."""
        return self.transport


_SAID: dict[type[object], str] = {
    protocol.Ready: "said_ready",
    protocol.Described: "said_described",
    protocol.Watching: "said_watching",
    protocol.ButtonPressed: "said_watching",
    protocol.WatchFailed: "said_watch_failed",
    protocol.Unwatched: "said_unwatched",
    protocol.Opened: "said_opened",
    protocol.ImageStarted: "said_image_started",
    protocol.Progress: "said_progress",
    protocol.PageScanned: "said_progress",
    protocol.ImageDone: "said_image_done",
    protocol.Failed: "said_failed",
    protocol.Closed: "said_closed",
}
"""Which input of the lifecycle each frame is."""
