"""Runs Twisted's real reactor inside a plain test until a Deferred has its result.

For the few tests whose subject is a real process or socket; everything else uses a Clock. The reactor is crashed
and run again between tests, as Twisted's own test runner does.
"""

from __future__ import annotations

import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

HANG_S = 60.0
"""After so long a test is taken to hang; no test relies on it."""


def run(awaitable: Deferred[T] | Coroutine[Any, Any, T]) -> T:
    """The result of `awaitable`, with the reactor running meanwhile. Raises its error."""
    real: Any = reactor
    deferred = awaitable if isinstance(awaitable, Deferred) else Deferred.fromCoroutine(awaitable)
    outcome: list[Any] = []
    hang = real.callLater(HANG_S, real.crash)

    def settle(result: Any) -> None:
        outcome.append(result)
        if hang.active():
            hang.cancel()
        real.callLater(0, real.crash)

    real.callWhenRunning(deferred.addBoth, settle)
    # The reactor takes over these signals and keeps them: a test runner that is told to end must end.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        real.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert outcome, f"no result within {HANG_S:g} s"
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return outcome[0]
