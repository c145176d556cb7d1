"""The bridge's command line with a clock that a test can push: `python3 -m tests.chaos.driven_bridge serve ...`.

    asking.ask(socket, {"command": "push", "seconds": 30})     # thirty seconds later, at once

For tests of deadlines with the real daemon, its real sockets and processes: time goes on by itself, so that a machine
under load changes nothing, and what would take a minute need not be waited for. Envelopes are checked as in
`tests.checked_bridge`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from tests import checked_bridge, envelope_watch


class PushedTime:
    """The module `time` as far as `bridge.app` uses it."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.time = time.time

    def monotonic(self) -> float:
        """Seconds, with those that were pushed."""
        return time.monotonic() + self.ahead

    def push(self, request: Mapping[str, Any]) -> dict[str, float]:
        """The control command."""
        self.ahead += float(request["seconds"])
        return {"ahead": self.ahead}


def drive() -> None:
    """Give the daemon that clock, and its control socket the command `push`."""
    # Only here: the check of envelopes comes before the modules that write them.
    from bridge import app
    from bridge.system.control import ControlServer

    clock = PushedTime()

    def control_server(path: Any, commands: Mapping[str, Any], reactor: Any) -> ControlServer:
        return ControlServer(path, {**commands, "push": clock.push}, reactor)

    app.time = clock  # type: ignore[assignment]
    app.ControlServer = control_server  # type: ignore[assignment,misc]


if __name__ == "__main__":
    envelope_watch.install()
    drive()
    sys.exit(checked_bridge.main())
