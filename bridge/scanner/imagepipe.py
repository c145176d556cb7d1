"""The way of an image's bytes from a worker to the daemon: a pair of sockets, read in large pieces.

Twisted reads 8 KiB of a process's pipe at a time and calls back for each: for an uncompressed page at 1200 dpi that
takes five times as long as everything else. And a pipe lets either its writer or its reader work, never both, for all
that one of them copies; a pair of sockets lets both (measured: docs/performance.md).
"""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.process import Process, ProcessReader

from bridge.scanner.protocol import EVENT_FD, IMAGE_FD

READ_BYTES = 128 * 1024
"""What is read at once."""

HELD_BYTES = 256 * 1024
"""About what the way holds; the system may allow less, and counts its own part in."""


class ImageReader(ProcessReader):
    """The daemon's end, among the pipes of a process of Twisted's."""

    fd: int

    def doRead(self) -> Any:
        """Twisted calls this when there is something to read."""
        try:
            data = os.read(self.fd, READ_BYTES)
        except OSError as error:
            return None if error.errno in (errno.EAGAIN, errno.EINTR) else CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        self.dataReceived(data)  # type: ignore[no-untyped-call]
        return None


class ImageWay:
    """Both ends: `workers_end` is the descriptor to start the process with; then `attach` or `close` it, once."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._ours.shutdown(socket.SHUT_WR)
        self._theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)

    @property
    def workers_end(self) -> int:
        """The descriptor that becomes the process's own."""
        return self._theirs.fileno()

    def attach(self, process: Process) -> None:
        """Hear what `process` writes as IMAGE_FD, as if Twisted had made a pipe for it."""
        if IMAGE_FD in process.pipes:
            # Whoever plays a process has a reader of its own.
            self.close()
            return
        self._theirs.close()
        reactor = process.pipes[EVENT_FD].reactor
        reader = ImageReader(reactor, process, IMAGE_FD, self._ours.detach())  # type: ignore[no-untyped-call]
        process.pipes[IMAGE_FD] = reader

    def close(self) -> None:
        """Nobody needs it."""
        self._theirs.close()
        self._ours.close()
