"""Delivery of events to one subscriber: in order, one at a time, without anybody waiting for it (eventing.md 8.1)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.dpws.sinks import Sink
from bridge.soap.envelope import Element, write_envelope
from bridge.soap.parser import MAX_MESSAGE

QUEUE_LIMIT = 100
"""Most events that wait for one subscriber."""

ATTEMPT_TIMEOUT_S = 10.0
"""Longest that one attempt may take, connecting included."""

RETRY_DELAYS_S = (1.0, 5.0)
"""Pauses before the second and the third attempt; after that the event is dropped."""

DROPS_IN_A_ROW = 3
"""So many events dropped one after the other, and the subscriber is given up."""


class Poster(Protocol):
    """Carries a message to a sink."""

    def post(self, sink: Sink, message: bytes) -> Deferred[None]:
        """Fires when the sink has taken `message`, fails when it has not. Cancelling it breaks the attempt off."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: `body` is shared by all subscribers and never changed.

    Of the waiting events with the same `topic`, only the last one matters; they may be thinned out when there is no
    room. An event without a topic always matters.
    """

    action: str
    body: Element
    topic: str | None = None


class Notifier:
    """The events that wait for one subscriber, and the attempts to deliver the first of them.

    `failed` is called once when the subscriber is given up, after which nothing is sent any more. The envelope is
    built once, when its first attempt is due, so that waiting events share their body; every attempt has the
    same MessageID, and a sink can tell that it is the same event.
    """

    log = Logger()

    def __init__(self, sink: Sink, poster: Poster, clock: IReactorTime, failed: Callable[[], None]) -> None:
        self._sink = sink
        self._poster = poster
        self._clock = clock
        self._failed = failed
        self._waiting: deque[Event] = deque()
        self._current: Event | None = None
        self._message = b""
        self._attempts = 0
        self._dropped_in_a_row = 0
        self._attempt: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._closed = False
        self._idle: list[Deferred[None]] = []

    def notify(self, event: Event) -> None:
        """Deliver `event` after those that wait already. Returns at once and never raises."""
        if self._closed:
            return
        self._waiting.append(event)
        if len(self._waiting) > QUEUE_LIMIT:
            self._thin_out()
        self._start()

    def close(self) -> None:
        """Send nothing any more, and break off what is under way."""
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        self._current = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()
        self._tell_idle()

    def idle(self) -> Deferred[None]:
        """Fires when nothing waits, at the latest when the notifier is closed."""
        idle: Deferred[None] = Deferred()
        self._idle.append(idle)
        if not self._busy:
            self._tell_idle()
        return idle

    @property
    def _busy(self) -> bool:
        return self._current is not None or bool(self._waiting)

    def _start(self) -> None:
        """Begin with the next event, from the reactor: who publishes an event must not run into the network."""
        if self._current is None and self._waiting and not self._closed:
            self._current = self._waiting.popleft()
            self._attempts = 0
            self._timer = self._clock.callLater(0, self._build)

    def _build(self) -> None:
        assert self._current is not None
        try:
            self._message = event_message(self._sink, self._current.action, self._current.body)
        except Exception:
            self.log.failure("the event {action} could not be written", action=self._current.action)
            self._next()
        else:
            self._try()

    def _try(self) -> None:
        self._attempts += 1
        attempt: Deferred[None] = succeed(None).addCallback(lambda _now: self._poster.post(self._sink, self._message))
        self._attempt = attempt
        attempt.addTimeout(ATTEMPT_TIMEOUT_S, self._clock)
        attempt.addCallbacks(self._delivered, self._refused)
        attempt.addErrback(lambda failure: self.log.failure("delivering an event failed", failure))

    def _delivered(self, _result: None) -> None:
        self._attempt = None
        if self._closed:
            return
        self._dropped_in_a_row = 0
        self._next()

    def _refused(self, failure: Failure) -> None:
        self._attempt = None
        if self._closed or self._current is None:
            return
        if self._attempts <= len(RETRY_DELAYS_S):
            self._timer = self._clock.callLater(RETRY_DELAYS_S[self._attempts - 1], self._try)
            return
        self._dropped_in_a_row += 1
        self.log.warn(
            "{url} did not take the event {action}, which is dropped: {why}. If that computer is on, its firewall must "
            "let events in (Windows: Network Discovery (WSD Events-In), TCP 5357)",
            url=self._sink.url,
            action=self._current.action,
            why=failure.getErrorMessage(),
        )
        if self._dropped_in_a_row < DROPS_IN_A_ROW:
            self._next()
        else:
            self.close()
            self._failed()

    def _next(self) -> None:
        self._current = None
        self._start()
        if not self._busy:
            self._tell_idle()

    def _tell_idle(self) -> None:
        idle, self._idle = self._idle, []
        for deferred in idle:
            deferred.callback(None)

    def _thin_out(self) -> None:
        """Take out the oldest event that a later one makes superfluous, or else the oldest."""
        last = {event.topic: index for index, event in enumerate(self._waiting)}
        for index, event in enumerate(self._waiting):
            if event.topic is not None and last[event.topic] > index:
                del self._waiting[index]
                return
        lost = self._waiting.popleft()
        self.log.warn(
            "{url} is slow, so it does not hear of {action}; it hears what comes later",
            url=self._sink.url,
            action=lost.action,
        )


def event_message(sink: Sink, action: str, body: Element) -> bytes:
    """The envelope of a one-way message to `sink` (checklist 268, 269).

    Raises ValueError when it would be larger than a client takes.
    """
    headers = [deepcopy(block) for block in sink.parameters]
    message = write_envelope(action, deepcopy(body), to=sink.url, headers=headers)
    if len(message) > MAX_MESSAGE:
        raise ValueError(f"the message has {len(message)} bytes, no client takes that")
    return message
