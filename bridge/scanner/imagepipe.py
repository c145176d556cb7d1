"""The daemon's end of a worker's image pipe, read in pieces as large as the pipe.

Twisted reads 8 KiB of a process at a time and calls back for each: for an uncompressed page at 1200 dpi that takes
five times as long as everything else (docs/performance.md).
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Any

from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST

PIPE_BYTES = 128 * 1024
"""What the pipe holds and what is read at once."""


def widen(reader: Any) -> None:
    """Make the pipe of `reader`, one of Twisted's ProcessReaders, hold PIPE_BYTES and be read by as many."""
    descriptor: int = reader.fileno()
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        # A user may have so much in pipes and no more; a small pipe only takes longer.
        pass

    def read() -> Any:
        try:
            data = os.read(descriptor, PIPE_BYTES)
        except OSError as error:
            return None if error.errno in (errno.EAGAIN, errno.EINTR) else CONNECTION_LOST
        if not data:
            return CONNECTION_DONE
        reader.dataReceived(data)
        return None

    reader.doRead = read
