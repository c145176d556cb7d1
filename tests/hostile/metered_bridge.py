"""The bridge's command line with a meter in its reactor: `python3 -m tests.hostile.metered_bridge serve ...`.

Each second it appends a line to the file that $SCANBRIDGE_METER names: the second (monotonic, which all processes of a
machine share), how long the reactor kept its most delayed call waiting, and how much processor time this process used
in that while. The difference of the two is time in which other programs ran.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

TICK_S = 0.005
"""A stall is seen up to this much too short."""


class Meter:
    """Calls itself every TICK_S and writes down how late it was called."""

    def __init__(self, reactor: Any, path: str) -> None:
        self._reactor = reactor
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._second = 0
        self._worst = (0.0, 0.0)
        self._last = (0.0, 0.0)

    def start(self) -> None:
        """Begin to tick."""
        self._last = (time.monotonic(), time.process_time())
        self._reactor.callLater(TICK_S, self._tick)

    def _tick(self) -> None:
        now, cpu = time.monotonic(), time.process_time()
        late = now - self._last[0] - TICK_S
        self._worst = max(self._worst, (late, cpu - self._last[1]))
        if int(now) != self._second:
            os.write(self._file, f"{int(now)} {self._worst[0]:.4f} {self._worst[1]:.4f}\n".encode())
            self._second, self._worst = int(now), (0.0, 0.0)
        self._last = (now, cpu)
        self._reactor.callLater(TICK_S, self._tick)


def main() -> int:
    """Run the command line."""
    from twisted.internet import reactor

    meter = Meter(reactor, os.environ["SCANBRIDGE_METER"])
    reactor.callWhenRunning(meter.start)  # type: ignore[attr-defined]
    from bridge.cli import main as run

    return run() or 0


if __name__ == "__main__":
    sys.exit(main())
