"""The bridge with a heartbeat in its reactor: `python3 -m benchmarks.beating FILE` and the bridge's own arguments.

FILE holds one number, the worst lateness of a beat in seconds since somebody last set it to 0.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path
from typing import Any

BEAT_S = 0.01
NUMBER = struct.Struct("d")


class Heartbeat:
    """The number in FILE, from either side."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), NUMBER.size)

    def take(self) -> float:
        """The worst lateness in seconds since the last call."""
        (worst,) = NUMBER.unpack_from(self._shared)
        NUMBER.pack_into(self._shared, 0, 0.0)
        return float(worst)

    def note(self, late: float) -> None:
        """A beat came so late."""
        if late > NUMBER.unpack_from(self._shared)[0]:
            NUMBER.pack_into(self._shared, 0, late)


def create(path: Path) -> Heartbeat:
    """A new FILE at `path`."""
    path.write_bytes(NUMBER.pack(0.0))
    return Heartbeat(path)


def main() -> int:
    """Run the bridge, and beat."""
    from twisted.internet import reactor as twisted_reactor

    from bridge import cli

    reactor: Any = twisted_reactor
    heartbeat = Heartbeat(Path(sys.argv[1]))

    def beat(due: float) -> None:
        now = time.monotonic()
        heartbeat.note(now - due)
        reactor.callLater(BEAT_S, beat, now + BEAT_S)

    reactor.callWhenRunning(lambda: beat(time.monotonic()))
    sys.argv[1:2] = []
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
