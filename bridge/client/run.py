"""Runs one command of the client on Twisted's reactor, and lets it tidy up when a person stops it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def run(work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """What `work` gives, called with the reactor; once in a process.

    Ctrl-C and SIGTERM cancel the work and wait for it, then raise KeyboardInterrupt. Raises the work's error.
    """
    from twisted.internet import reactor

    # Whoever presses Ctrl-C twice does not want to wait for the tidying up.
    defaults = (signal.signal, signal.SIGINT, signal.SIG_DFL)
    cast(Any, reactor).addSystemEventTrigger("before", "shutdown", *defaults)
    return run_on(reactor, work)


def run_on(reactor: Any, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """As `run`, on the reactor that is given."""
    outcome: list[T | Failure] = []
    under_way: list[Deferred[Any]] = []

    def start() -> None:
        deferred = Deferred.fromCoroutine(work(reactor))
        under_way.append(deferred)
        deferred.addBoth(settle)

    def settle(result: T | Failure) -> None:
        outcome.append(result)
        if not cancelled:
            reactor.stop()

    cancelled: list[bool] = []

    def stop() -> Deferred[Any] | None:
        if outcome or not under_way:
            return None
        cancelled.append(True)
        under_way[0].cancel()
        return under_way[0]

    reactor.addSystemEventTrigger("before", "shutdown", stop)
    reactor.callWhenRunning(start)
    reactor.run()
    if not outcome:
        raise KeyboardInterrupt
    result = outcome[0]
    if isinstance(result, Failure):
        if cancelled:
            # Whatever the work failed with on its way out, that it was told to stop is the reason.
            raise KeyboardInterrupt
        error: Any = result.value
        raise error
    return result
