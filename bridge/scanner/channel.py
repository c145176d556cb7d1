"""The worker's ends of its pipes: commands in, events and image bytes out (protocol.py)."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator
from typing import Any

from bridge.scanner.cancellation import Cancellation
from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import MAX_FRAME, Command, Event, FrameError, Status, read_frame, write_frame


class Events:
    """Writes events, from either thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def tell(self, event: Event) -> None:
        """Write `event` whole. Raises OSError when nobody can read it any more."""
        line = write_frame(event)
        with self._lock:
            while line:
                line = line[os.write(self._fd, line) :]


def commands(fd: int) -> Iterator[Command]:
    """The commands that come on `fd`, until its end. Raises FrameError for anything that is no command."""
    pending = b""
    while data := os.read(fd, MAX_FRAME):
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            frame: Any = read_frame(line)
            if not isinstance(frame, Command):
                raise FrameError(f"{type(frame).__name__} is no command")
            yield frame
        if len(pending) > MAX_FRAME:
            raise FrameError(f"a command of more than {MAX_FRAME} bytes")


class ImagePipe:
    """Writes the bytes of images; waits while the pipe is full, which holds the scanner back."""

    def __init__(self, fd: int, cancellation: Cancellation) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._cancellation = cancellation
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._poll.register(cancellation.fileno(), select.POLLIN)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write all of `data`. Raises ScanFailure(cancelled) when cancelled, or when the reader has gone."""
        rest = memoryview(data)
        while rest:
            self._cancellation.check()
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                self._poll.poll()
            except (BrokenPipeError, ConnectionResetError) as error:
                raise ScanFailure(Status.CANCELLED, "Nobody reads the image any more.") from error
