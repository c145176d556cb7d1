"""When messages go out and how often."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from twisted.internet.task import Clock

from bridge.discovery.scheduler import (
    APP_MAX_DELAY_S,
    MULTICAST_TRANSMISSIONS,
    UNICAST_TRANSMISSIONS,
    UPPER_GAP_S,
    Outgoing,
    Scheduler,
)
from tests.deferreds import no_result, success_result_of


class Wire:
    """Remembers what was sent, and when."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sent: list[tuple[float, bytes]] = []

    def send(self, data: bytes) -> None:
        self.sent.append((self.clock.seconds(), data))


class Extreme(Random):
    """Chance at one end of its range."""

    def __init__(self, highest: bool) -> None:
        super().__init__(0)
        self._highest = highest

    def uniform(self, a: float, b: float) -> float:
        return b if self._highest else a


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wire(clock: Clock) -> Wire:
    return Wire(clock)


def writing(data: bytes = b"m", times: int = 1) -> Callable[[], Outgoing]:
    return lambda: Outgoing(data, times)


def run(clock: Clock, seconds: float = 10.0) -> None:
    clock.pump([0.001] * int(seconds * 1000))


@pytest.mark.conformance(56)
@pytest.mark.parametrize("seed", range(20))
def test_repeats_are_the_same_bytes_in_growing_gaps(clock: Clock, wire: Wire, seed: int) -> None:
    """The first gap is 50 to 250 ms, each further one twice the one before, none above 450 ms."""
    Scheduler(clock, Random(seed)).schedule("a", writing(times=MULTICAST_TRANSMISSIONS), wire.send)
    run(clock)
    times = [at for at, _ in wire.sent]
    first, second, third = (after - before for before, after in pairwise(times))
    assert {data for _, data in wire.sent} == {b"m"}
    assert 0.049 < first < 0.252
    assert second == pytest.approx(min(2 * first, UPPER_GAP_S), abs=0.004)
    assert third == pytest.approx(min(2 * second, UPPER_GAP_S), abs=0.004)


@pytest.mark.conformance(44, 71)
def test_the_delay_is_random_within_its_bound(clock: Clock, wire: Wire) -> None:
    """Many messages spread over half a second."""
    scheduler = Scheduler(clock, Random(1))
    for _ in range(200):
        scheduler.schedule("a", writing(), wire.send, max_delay=APP_MAX_DELAY_S)
    run(clock)
    times = [at for at, _ in wire.sent]
    assert len(times) == 200
    assert min(times) < 0.05
    assert 0.45 < max(times) < 0.502


@pytest.mark.conformance(70, 78)
@pytest.mark.parametrize("highest", [False, True])
def test_an_answer_is_out_long_before_the_firewall_closes(clock: Clock, wire: Wire, highest: bool) -> None:
    """With the worst of luck the last repeat leaves within a second, of the four that Windows allows."""
    scheduler = Scheduler(clock, Extreme(highest))
    scheduler.schedule("a", writing(times=UNICAST_TRANSMISSIONS), wire.send, max_delay=APP_MAX_DELAY_S)
    clock.pump([0.01] * 100)
    assert len(wire.sent) == UNICAST_TRANSMISSIONS
    assert wire.sent[-1][0] <= 1.0


@pytest.mark.conformance(78)
def test_without_a_delay_the_message_leaves_at_once(clock: Clock, wire: Wire) -> None:
    """ResolveMatches does not wait."""
    Scheduler(clock, Random(0)).schedule("a", writing(), wire.send)
    assert wire.sent == [(0.0, b"m")]


@pytest.mark.conformance(55)
def test_a_message_is_written_when_it_leaves(clock: Clock, wire: Wire) -> None:
    """What is scheduled first and leaves last has the greater number."""
    scheduler = Scheduler(clock, Random(3))
    numbers = iter(range(100))
    for _ in range(20):
        scheduler.schedule("a", lambda: Outgoing(b"%d" % next(numbers), 1), wire.send, max_delay=APP_MAX_DELAY_S)
    run(clock, 1)
    assert [int(data) for _, data in wire.sent] == list(range(20))


@pytest.mark.parametrize("outgoing", [None, Outgoing(b"m", 0)])
def test_a_message_may_be_dropped_when_its_time_has_come(
    clock: Clock, wire: Wire, outgoing: Outgoing | None
) -> None:
    """The scanner may have gone meanwhile."""
    scheduler = Scheduler(clock, Random(0))
    scheduler.schedule("a", lambda: outgoing, wire.send, max_delay=1.0)
    run(clock)
    assert wire.sent == []
    success_result_of(scheduler.drained())


def test_cancelling_concerns_one_owner(clock: Clock, wire: Wire) -> None:
    """Of what has begun no repeat leaves, of what waits nothing; the others go on."""
    scheduler = Scheduler(clock, Random(0))
    scheduler.schedule("a", writing(b"begun", 4), wire.send)
    scheduler.schedule("a", writing(b"waits", 4), wire.send, max_delay=0.5)
    scheduler.schedule("b", writing(b"other", 4), wire.send)
    scheduler.cancel("a")
    run(clock)
    assert [data for _, data in wire.sent] == [b"begun", b"other", b"other", b"other", b"other"]


def test_stopping_ends_everything(clock: Clock, wire: Wire) -> None:
    """No timer is left behind."""
    scheduler = Scheduler(clock, Random(0))
    scheduler.schedule("a", writing(times=4), wire.send)
    scheduler.schedule("b", writing(), wire.send, max_delay=0.5)
    scheduler.stop()
    assert clock.getDelayedCalls() == []
    assert len(wire.sent) == 1


def test_drained_waits_for_the_last_repeat(clock: Clock, wire: Wire) -> None:
    """Fires when all is sent, at once when there is nothing."""
    scheduler = Scheduler(clock, Random(0))
    success_result_of(scheduler.drained())
    scheduler.schedule("a", writing(times=4), wire.send)
    scheduler.schedule("b", writing(times=2), wire.send)
    drained = scheduler.drained()
    while len(wire.sent) < 6:
        no_result(drained)
        clock.advance(0.01)
    success_result_of(drained)


def test_drained_fires_when_the_rest_is_cancelled(clock: Clock, wire: Wire) -> None:
    """Nothing left is nothing to wait for."""
    scheduler = Scheduler(clock, Random(0))
    scheduler.schedule("a", writing(times=4), wire.send)
    drained = scheduler.drained()
    scheduler.stop()
    success_result_of(drained)


def test_a_message_that_cannot_be_written_is_forgotten(clock: Clock, wire: Wire) -> None:
    """A defect in writing one message is seen by the reactor and leaves no trace here."""
    scheduler = Scheduler(clock, Random(0))
    with pytest.raises(ZeroDivisionError):
        scheduler.schedule("a", lambda: Outgoing(b"", 1 // 0), wire.send)
    success_result_of(scheduler.drained())


def test_a_send_that_stops_the_scheduler_ends_its_own_repeats(clock: Clock, wire: Wire) -> None:
    """A socket that turns out to be gone takes everything with it."""
    scheduler = Scheduler(clock, Random(0))
    scheduler.schedule("a", writing(times=4), lambda data: (wire.send(data), scheduler.stop()))
    run(clock)
    assert len(wire.sent) == 1
