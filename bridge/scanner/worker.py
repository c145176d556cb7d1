"""The worker process: `python3 -m bridge.scanner.worker`, one scanner and one job, before which it may watch buttons.

SANE's backends crash, hang and leak, so they run here and not in the daemon. Commands come on standard input, events
go to descriptor 4 and the bytes of images to descriptor 3 (protocol.py); standard output and error are log, because
backends print there. The main thread does the work, a second one reads the commands, so that Cancel is heard while
the scanner is busy.

The process dies with its parent, and it ends with `os._exit`: an orderly end of libsane can dead-lock. Its only
argument, which may be missing, is how many bytes of memory it may have.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bridge.scanner.backs import BackSides
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.channel import Events, ImagePipe, commands
from bridge.scanner.child import (
    automatic_memory,
    die_with_parent,
    keep_freed_memory,
    leave_terminal,
    limit_memory,
    restore_signals,
)
from bridge.scanner.description import describe
from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import MESSAGES, LayoutError, check_layout
from bridge.scanner.imagefile import ImageFile
from bridge.scanner.model import InputSource
from bridge.scanner.options import apply
from bridge.scanner.pages import LyingFeeder, Pace, PageSource
from bridge.scanner.passes import ThreePasses
from bridge.scanner.protocol import (
    COMMAND_FD,
    EVENT_FD,
    IMAGE_FD,
    MAX_MESSAGE,
    Cancel,
    Close,
    Closed,
    Command,
    Describe,
    Described,
    Failed,
    FrameError,
    ImageDone,
    Open,
    Opened,
    Ready,
    Status,
    Trouble,
    Unwatch,
    Unwatched,
    Watch,
    WatchFailed,
)
from bridge.scanner.sensors import SensorWatch

if TYPE_CHECKING:
    from bridge.scanner.session import Backend, Session

MAX_WAITING = 16
"""Commands that may wait for the main thread; a daemon has two under way at most."""

EXIT_DONE = 0
EXIT_BROKEN = 1
EXIT_UNFIT = 2


class Worker:
    """Carries out commands, one after another, on one device."""

    def __init__(self, backend: Backend, events: Events, image_fd: int) -> None:
        self._backend = backend
        self._events = events
        self._cancellation = Cancellation()
        self._image_pipe = ImagePipe(image_fd, self._cancellation)
        self._waiting: queue.Queue[Command] = queue.Queue(MAX_WAITING)
        self._session: Session | None = None
        self._watched: Session | None = None
        self._sensors: SensorWatch | None = None
        self._period_s = 0.0
        self._file: ImageFile | None = None
        self._source = InputSource.PLATEN
        self._status = EXIT_DONE

    def run(self) -> int:
        """Carry out commands until Close, on the main thread; the exit status."""
        while not isinstance(command := self._next(), Close):
            try:
                self._carry_out(command)
            except ScanFailure as failure:
                self._failed(failure.status, failure.message)
            except MemoryError:
                self._failed(Status.NO_MEMORY, MESSAGES[Status.NO_MEMORY])
            except Exception as error:
                traceback.print_exc()
                # Python's words where there is no memory for a thread.
                starved = isinstance(error, RuntimeError) and str(error).startswith("can't start new thread")
                status = Status.NO_MEMORY if starved else Status.IO_ERROR
                self._failed(status, f"The worker failed: {error!r}")
        self._stop_watching()
        if self._session is not None:
            self._session.close()
        self._events.tell(Closed())
        return self._status

    def listen(self, fd: int) -> None:
        """Read commands from `fd` until its end, on the control thread; the end means Close."""
        try:
            for command in commands(fd):
                if isinstance(command, Cancel):
                    self._cancel()
                else:
                    self._waiting.put_nowait(command)
        except (FrameError, queue.Full) as error:
            self._status = EXIT_BROKEN
            reason = str(error) or f"more than {MAX_WAITING} are waiting"
            self._events.tell(Failed(Status.PROTOCOL, f"The worker cannot follow its commands: {reason}"[:MAX_MESSAGE]))
        self._cancel()
        self._waiting.put(Close())

    def _next(self) -> Command:
        """The next command; while it is awaited, the buttons are looked at if they are to be."""
        while self._sensors is not None:
            try:
                return self._waiting.get(timeout=self._period_s)
            except queue.Empty:
                self._look()
        return self._waiting.get()

    def _cancel(self) -> None:
        self._cancellation.set()
        session = self._session
        if session is not None:
            session.cancel_soon()

    def _failed(self, status: Status, message: str) -> None:
        # Whatever ends after a cancel was asked for is a cancel: backends end in every way then.
        if self._cancellation.is_set():
            status, message = Status.CANCELLED, MESSAGES[Status.CANCELLED]
        self._events.tell(Failed(status, message[:MAX_MESSAGE]))

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Describe):
            self._describe(command)
        elif isinstance(command, Watch):
            self._watch(command)
        elif isinstance(command, Unwatch):
            self._stop_watching()
            self._events.tell(Unwatched())
        elif isinstance(command, Open):
            self._open(command)
        else:
            self._start_image()

    def _describe(self, command: Describe) -> None:
        if self._session is not None:
            raise ScanFailure(Status.INVALID, "The worker has a job and cannot describe its scanner now.")
        session = self._backend.open(command.device, self._cancellation)
        try:
            found = describe(session, command.kind, command.quirks)
        finally:
            session.close()
        self._events.tell(Described(found))

    def _watch(self, command: Watch) -> None:
        try:
            if self._session is not None or self._watched is not None:
                raise ScanFailure(Status.INVALID, "The scanner is open already.")
            self._period_s = command.period_ms / 1000
            self._watched = self._backend.open(command.device, self._cancellation)
            self._sensors = SensorWatch(self._watched, self._events.tell)
            self._sensors.look()
        except ScanFailure as failure:
            self._watch_failed(failure)

    def _look(self) -> None:
        assert self._sensors is not None
        try:
            self._sensors.look()
        except ScanFailure as failure:
            self._watch_failed(failure)

    def _watch_failed(self, failure: ScanFailure) -> None:
        self._stop_watching()
        self._events.tell(WatchFailed(failure.status, failure.message[:MAX_MESSAGE]))

    def _stop_watching(self) -> None:
        watched, self._watched, self._sensors = self._watched, None, None
        if watched is not None:
            watched.close()

    def _open(self, command: Open) -> None:
        if self._session is not None:
            raise ScanFailure(Status.INVALID, "The worker has a job already.")
        self._cancellation.check()
        # Opened anew, as by any other program: what a driver remembers of being looked at is gone.
        self._stop_watching()
        calm = command.quirks.survives_cancel
        session = self._backend.open(command.device, self._cancellation, survives_cancel=calm)
        try:
            delivery = apply(session, command.request, command.quirks)
        except BaseException:
            session.close()
            raise
        self._session = session
        self._source = command.request.source
        self._file = ImageFile(
            pages_of(session, command, Pace(self._events.tell, time.monotonic)),
            command.request,
            delivery,
            self._image_pipe.write,
            self._events.tell,
        )
        self._events.tell(Opened(delivery.settings[:MAX_MESSAGE]))

    def _start_image(self) -> None:
        if self._session is None or self._file is None:
            raise ScanFailure(Status.INVALID, "No scanner is open.")
        # A driver's thread that a cancel ended may have held the linker's lock (the test backend's does now and then),
        # and whoever starts a thread then waits for ever: after a cancel nothing of an image is begun.
        self._cancellation.check()
        try:
            size = self._file.scan()
            self._cancellation.check()
        except BaseException:
            self._session.stop()
            raise
        trouble = self._file.trouble
        if trouble is not None or not self._source.is_feeder:
            self._session.stop()
        ended_by = None if trouble is None else Trouble(trouble.status, trouble.message[:MAX_MESSAGE])
        self._events.tell(ImageDone(size, ended_by))


def pages_of(session: PageSource, command: Open, pace: Pace) -> PageSource:
    """The pages of `session` as a file wants them: in colour, upright, in their order, and ending when they end."""
    quirks, source = command.quirks, command.request.source
    pages = session
    if quirks.empty_means and source.is_feeder:
        pages = LyingFeeder(pages, quirks.empty_means)
    pages = ThreePasses(pages, command.spool_limit, pace)
    if source is InputSource.ADF_DUPLEX and (quirks.backs_turned or quirks.backs_last):
        turn, last = quirks.backs_turned, quirks.backs_last
        pages = BackSides(pages, turn=turn, last=last, limit=command.spool_limit, pace=pace)
    return pages


def main(arguments: Sequence[str] = ()) -> int:
    """Run a worker on the descriptors of protocol.py; the exit status. `arguments` are those of the command line."""
    limit_memory(int(arguments[0]) if arguments else automatic_memory())
    keep_freed_memory()
    die_with_parent()
    leave_terminal()
    events = Events(EVENT_FD)
    try:
        # Only here, so that a missing python-sane can be told.
        from bridge.scanner.session import Backend

        check_layout()
        backend = Backend(restore_signals)
    except (ImportError, LayoutError, OSError) as error:
        events.tell(Failed(Status.UNSUPPORTED, f"SANE cannot be used: {error}"[:MAX_MESSAGE]))
        return EXIT_UNFIT
    restore_signals()
    worker = Worker(backend, events, IMAGE_FD)
    threading.Thread(target=worker.listen, args=(COMMAND_FD,), name="control", daemon=True).start()
    events.tell(Ready())
    return worker.run()


if __name__ == "__main__":
    status = EXIT_BROKEN
    try:
        status = main(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
