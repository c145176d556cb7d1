"""The service's watchdog: systemd is told that the daemon is alive only after the daemon has shown it.

A timer alone would show that timers work. So the daemon asks itself, over its own control socket, as a person would:
that takes a reactor that turns, descriptors that are left, and commands that are answered (`self_check`). When the
answers stop, systemd ends the process by SIGABRT, and the log gets to know where each thread was.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Callable, Mapping

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.system import sdnotify

LOOKS = 4
"""So many looks fit into the time that systemd allows: one may fail, and one may be late."""


def allowed_s(environ: Mapping[str, str], pid: int) -> float | None:
    """The longest silence in seconds before systemd acts; None when it does not watch the process `pid`."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    asked = environ.get("WATCHDOG_USEC", "")
    # Python reads digits of every script; systemd writes these.
    return int(asked) / 1_000_000 if asked.isascii() and asked.isdigit() and int(asked) else None


class Watchdog:
    """Looks whether the daemon is alive, and tells systemd each time it is.

    `alive` fires when all is well and fails with the reason when it is not; one that never fires is no sign of life.
    Without `allowed` seconds nobody watches, and nothing is done.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        allowed: float | None,
        alive: Callable[[], Deferred[None]],
        tell: Callable[[], None] = sdnotify.alive,
    ) -> None:
        self._allowed = allowed
        self._alive = alive
        self._tell = tell
        self._looking: Deferred[None] | None = None
        self._ill = False
        self._looks: LoopingCall = LoopingCall(self._look)
        self._looks.clock = clock

    def start(self) -> None:
        """Look from now on, at once and then every quarter of the allowed time."""
        if self._allowed is None:
            return
        # What SIGABRT finds is the only trace of a daemon that hangs.
        faulthandler.enable()
        self._looks.start(self._allowed / LOOKS)

    def stop(self) -> None:
        """Look no more; a daemon that ends is not watched."""
        if self._looks.running:
            self._looks.stop()
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()

    def _look(self) -> None:
        if self._looking is not None:
            self._tell_illness("it does not answer itself")
            return
        self._looking = looking = self._alive()
        looking.addBoth(self._seen, looking)

    def _seen(self, result: object, looking: Deferred[None]) -> None:
        if not self._looks.running:
            return
        self._looking = None
        if isinstance(result, Failure):
            self._tell_illness(result.getErrorMessage())
            return
        self._tell()
        if self._ill:
            self._ill = False
            self.log.info("the bridge is well again")

    def _tell_illness(self, why: str) -> None:
        if not self._ill:
            self._ill = True
            self.log.error(
                "the bridge is not well: {why}. Unless that ends, systemd starts it anew {seconds:g} s after the last"
                " sign of life",
                why=why,
                seconds=self._allowed,
            )
