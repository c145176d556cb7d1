"""Delivery of events to one subscriber: order, retries, overflow, end."""

from __future__ import annotations

from typing import cast

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.dpws.notifier import (
    ATTEMPT_TIMEOUT_S,
    DROPS_IN_A_ROW,
    QUEUE_LIMIT,
    RETRY_DELAYS_S,
    Event,
    Notifier,
    event_message,
)
from bridge.dpws.sinks import Sink
from bridge.scanner.model import InputSource
from bridge.soap.envelope import Element
from bridge.wsscan.events import scan_available_event
from tests.deferreds import no_result, success_result_of
from tests.fakes.event_bench import CLIENT, SINK, Post, RecordingPoster, action

IDENTIFIER = "{http://schemas.microsoft.com/windows/2006/08/wdp/scan}ScanIdentifier"


def event(identifier: str, topic: str | None = None) -> Event:
    """An event that can be told from others."""
    return Event(action("ScanAvailableEvent"), scan_available_event("c", identifier, InputSource.PLATEN), topic)


def seen(posts: list[Post]) -> list[str]:
    """Which events these are."""
    return [str(post.body.findtext(IDENTIFIER)) for post in posts]


class Line:
    """One notifier whose sink does not answer until told to."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.poster = RecordingPoster()
        self.poster.silent.add(SINK)
        self.given_up = 0
        sink = Sink(SINK, CLIENT, 5357, "/4d5c")
        self.notifier = Notifier(sink, self.poster, self.clock, self._given_up)

    def put(self, *events: Event) -> None:
        for one in events:
            self.notifier.notify(one)
        self.clock.advance(0)

    @property
    def posts(self) -> list[Post]:
        return self.poster.posts

    def take(self) -> None:
        """The sink takes the event that is under way, and the reactor has its turn."""
        self.posts[-1].take()
        self.clock.advance(0)

    def drop(self) -> None:
        """The sink takes no attempt at the event that is under way."""
        for delay in RETRY_DELAYS_S:
            self.posts[-1].refuse()
            self.clock.advance(delay)
        self.posts[-1].refuse()
        self.clock.advance(0)

    def _given_up(self) -> None:
        self.given_up += 1


@pytest.fixture
def line() -> Line:
    return Line()


def test_events_go_out_in_order_and_one_at_a_time(line: Line) -> None:
    """The next event leaves only when the one before was taken."""
    line.put(event("a"), event("b"), event("c"))
    assert seen(line.posts) == ["a"]
    line.take()
    assert seen(line.posts) == ["a", "b"]
    line.put(event("d"))
    line.take()
    line.take()
    assert seen(line.posts) == ["a", "b", "c", "d"]


@pytest.mark.conformance(272)
def test_nothing_is_sent_in_the_callers_stack(line: Line) -> None:
    """Notifying only puts into the queue: the network's turn comes from the reactor."""
    line.notifier.notify(event("a"))
    assert line.posts == []
    line.clock.advance(0)
    assert seen(line.posts) == ["a"]


def test_an_event_is_tried_three_times_with_the_same_message(line: Line) -> None:
    """Attempts come after 1 s and 5 s, and the same MessageID shows the sink that it is the same event."""
    line.put(event("a"), event("b"))
    line.posts[-1].refuse()
    line.clock.advance(0.9)
    assert len(line.posts) == 1
    line.clock.advance(0.1)
    assert len(line.posts) == 2
    line.posts[-1].refuse()
    line.clock.advance(4.9)
    assert len(line.posts) == 2
    line.clock.advance(0.1)
    line.posts[-1].refuse()
    line.clock.advance(0)
    assert seen(line.posts) == ["a", "a", "a", "b"]
    assert len({post.data for post in line.posts[:3]}) == 1
    assert line.posts[3].envelope.message_id != line.posts[0].envelope.message_id


def test_a_retry_that_is_taken_goes_on_with_the_next(line: Line) -> None:
    """A sink that recovers loses nothing."""
    line.put(event("a"), event("b"))
    line.posts[-1].refuse()
    line.clock.advance(RETRY_DELAYS_S[0])
    line.take()
    assert seen(line.posts) == ["a", "a", "b"]


def test_an_attempt_ends_after_ten_seconds(line: Line) -> None:
    """A sink that does not answer is left, and the attempt counts as failed."""
    line.put(event("a"))
    line.clock.advance(ATTEMPT_TIMEOUT_S - 0.1)
    assert not line.posts[0].cancelled
    line.clock.advance(0.1)
    assert line.posts[0].cancelled
    line.clock.advance(RETRY_DELAYS_S[0])
    assert seen(line.posts) == ["a", "a"]


@pytest.mark.conformance(271)
def test_three_drops_in_a_row_are_the_end(line: Line) -> None:
    """After three events that nobody took the subscriber is given up, once, and nothing is sent any more."""
    line.put(*(event(str(number)) for number in range(DROPS_IN_A_ROW + 1)))
    for number in range(DROPS_IN_A_ROW):
        assert line.given_up == 0, number
        line.drop()
    assert line.given_up == 1
    attempts = len(line.posts)
    line.put(event("late"))
    line.clock.advance(60)
    assert len(line.posts) == attempts == DROPS_IN_A_ROW * (1 + len(RETRY_DELAYS_S))
    assert line.given_up == 1


def test_an_event_that_is_taken_forgives_the_drops_before(line: Line) -> None:
    """Only drops one after the other count."""
    line.put(*(event(str(number)) for number in range(2 * DROPS_IN_A_ROW)))
    for _ in range(DROPS_IN_A_ROW - 1):
        line.drop()
    line.take()
    for _ in range(DROPS_IN_A_ROW - 1):
        line.drop()
    assert line.given_up == 0
    line.drop()
    assert line.given_up == 1


def test_a_poster_that_raises_is_a_failed_attempt(line: Line) -> None:
    """Whatever goes wrong while sending is retried like a refusal."""

    class Broken:
        def post(self, sink: Sink, message: bytes) -> Deferred[None]:
            raise RuntimeError("broken")

    given_up: list[int] = []
    notifier = Notifier(Sink(SINK, CLIENT, 5357, "/"), Broken(), line.clock, lambda: given_up.append(1))
    for number in range(DROPS_IN_A_ROW):
        notifier.notify(event(str(number)))
    line.clock.pump([0.5] * int(2 * (DROPS_IN_A_ROW + 1) * sum(RETRY_DELAYS_S)))
    assert given_up == [1]


def test_an_event_that_cannot_be_written_is_skipped(line: Line) -> None:
    """An event that we fail to write is a defect of ours: it is logged, and the next one goes out."""

    class Unwritable:
        def __deepcopy__(self, memo: object) -> Element:
            raise TypeError("no element")

    line.put(Event(action("ScanAvailableEvent"), cast(Element, Unwritable())), event("b"))
    line.clock.advance(0)
    assert seen(line.posts) == ["b"]
    line.take()
    success_result_of(line.notifier.idle())


def test_a_message_that_no_client_takes_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that makes too large an envelope with the sink's parameters is not written at all."""
    sink = Sink(SINK, CLIENT, 5357, "/")
    body = scan_available_event("c", "i", InputSource.PLATEN)
    size = len(event_message(sink, action("ScanAvailableEvent"), body))
    monkeypatch.setattr("bridge.dpws.notifier.MAX_MESSAGE", size)
    event_message(sink, action("ScanAvailableEvent"), body)
    monkeypatch.setattr("bridge.dpws.notifier.MAX_MESSAGE", size - 1)
    with pytest.raises(ValueError, match="no client takes that"):
        event_message(sink, action("ScanAvailableEvent"), body)


# -- a full queue --------------------------------------------------------------------------------


def fill(line: Line, *events: Event) -> None:
    """Put one event under way, then `events`, then others up to one more than may wait."""
    line.put(event("under way"))
    line.put(*events)
    line.put(*(event(f"filler {number}") for number in range(QUEUE_LIMIT + 1 - len(events))))


def drain(line: Line) -> list[str]:
    """What still goes out, without the fillers."""
    while not line.posts[-1].deferred.called:
        line.take()
    return [name for name in seen(line.posts)[1:] if not name.startswith("filler")]


def test_nothing_is_left_out_while_there_is_room(line: Line) -> None:
    """Events of one topic are all delivered as long as the queue holds them."""
    line.put(event("under way"))
    line.put(*(event(str(number), "job 1") for number in range(QUEUE_LIMIT)))
    assert drain(line) == [str(number) for number in range(QUEUE_LIMIT)]


def test_overflow_leaves_out_what_a_later_event_replaces(line: Line) -> None:
    """When there is no room, the oldest event of a topic goes that has a later one of the same topic."""
    fill(line, event("start"), event("first", "job 1"), event("other", "job 2"), event("second", "job 1"))
    assert drain(line) == ["start", "other", "second"]


def test_overflow_without_anything_replaced_leaves_out_the_oldest(line: Line) -> None:
    """Where every event matters, the oldest makes room; the last event of a topic matters."""
    fill(line, event("oldest"), event("only", "job 1"), event("newer"))
    assert drain(line) == ["only", "newer"]


def test_the_queue_never_grows_beyond_its_limit(line: Line) -> None:
    """A flood of events leaves at most the limit waiting, in their order."""
    line.put(event("under way"))
    line.put(*(event(str(number)) for number in range(10 * QUEUE_LIMIT)))
    assert drain(line) == [str(number) for number in range(9 * QUEUE_LIMIT, 10 * QUEUE_LIMIT)]


# -- the end -------------------------------------------------------------------------------------


@pytest.mark.conformance(266)
def test_close_drops_everything(line: Line) -> None:
    """A closed notifier breaks off what is under way, drops what waits, and ignores what comes."""
    line.put(event("a"), event("b"))
    line.notifier.close()
    line.notifier.close()
    assert line.posts[0].cancelled
    line.put(event("c"))
    line.clock.advance(60)
    assert seen(line.posts) == ["a"]
    assert line.clock.getDelayedCalls() == []
    assert line.given_up == 0


def test_close_before_anything_was_sent(line: Line) -> None:
    """An event that has not left yet never does."""
    line.notifier.notify(event("a"))
    line.notifier.close()
    line.clock.advance(60)
    assert line.posts == []


def test_close_between_two_attempts(line: Line) -> None:
    """A retry that is due later is not made."""
    line.put(event("a"))
    line.posts[0].refuse()
    line.notifier.close()
    line.clock.advance(60)
    assert len(line.posts) == 1
    assert line.clock.getDelayedCalls() == []


def test_idle_tells_when_nothing_waits(line: Line) -> None:
    """It fires at once when there is nothing, after the last event otherwise, and when the notifier is closed."""
    success_result_of(line.notifier.idle())
    line.put(event("a"), event("b"))
    idle = line.notifier.idle()
    line.take()
    no_result(idle)
    line.take()
    success_result_of(idle)
    line.put(event("c"))
    idle = line.notifier.idle()
    line.notifier.close()
    success_result_of(idle)
