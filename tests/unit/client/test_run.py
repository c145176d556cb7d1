"""Running one command on a reactor, and stopping it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from bridge.client.run import run_on


class FakeReactor:
    """A reactor that runs what it is told and notes when it stops; `meanwhile` happens while it runs."""

    def __init__(self, *meanwhile: Callable[[], object]) -> None:
        self.stops = 0
        self._begin: list[Callable[[], object]] = []
        self._meanwhile = meanwhile
        self.before_shutdown: list[Callable[[], Any]] = []
        self.waited_for: list[Any] = []

    def callWhenRunning(self, call: Callable[[], object]) -> None:
        """Call it at the start of `run`."""
        self._begin.append(call)

    def addSystemEventTrigger(self, phase: str, event: str, call: Callable[[], Any]) -> None:
        """Call it at the end of `run`."""
        assert (phase, event) == ("before", "shutdown")
        self.before_shutdown.append(call)

    def run(self) -> None:
        """Start, let things happen, shut down."""
        for call in (*self._begin, *self._meanwhile):
            call()
        self.waited_for = [call() for call in self.before_shutdown]

    def stop(self) -> None:
        """Told to stop."""
        self.stops += 1


def test_a_result() -> None:
    """The work's result ends the reactor and is given back."""
    reactor = FakeReactor()

    async def work(given: object) -> int:
        assert given is reactor
        return 7

    assert run_on(reactor, work) == 7
    assert reactor.stops == 1
    assert reactor.waited_for == [None]


def test_an_error() -> None:
    """The work's error ends the reactor and is raised."""
    reactor = FakeReactor()

    async def work(_reactor: object) -> int:
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        run_on(reactor, work)
    assert reactor.stops == 1


def test_later() -> None:
    """Work that waits goes on when the reactor gets round to it."""
    waiting: Deferred[int] = Deferred()
    reactor = FakeReactor(lambda: waiting.callback(3))

    async def work(_reactor: object) -> int:
        return await waiting

    assert run_on(reactor, work) == 3


def test_being_stopped() -> None:
    """Ctrl-C cancels the work, which may tidy up; the reactor waits for that, and the work's error does not matter."""
    waiting: Deferred[int] = Deferred()
    tidied: Deferred[None] = Deferred()
    story: list[str] = []
    reactor = FakeReactor()
    shut_down = reactor.run

    def run() -> None:
        shut_down()
        reactor.waited_for[0].addBoth(lambda _result: story.append("down"))
        story.append("asked to stop")
        tidied.callback(None)

    reactor.run = run  # type: ignore[method-assign]

    async def work(_reactor: object) -> int:
        try:
            return await waiting
        except CancelledError:
            await tidied
            story.append("tidied")
            raise OSError("the connection is gone") from None

    with pytest.raises(KeyboardInterrupt):
        run_on(reactor, work)
    assert story == ["asked to stop", "tidied", "down"]
    assert reactor.stops == 0


def test_being_stopped_before_the_start() -> None:
    """A reactor that never ran is a scan that was stopped."""
    reactor = FakeReactor()
    reactor.run = lambda: None  # type: ignore[method-assign]

    async def work(_reactor: object) -> int:
        return 1

    with pytest.raises(KeyboardInterrupt):
        run_on(reactor, work)
