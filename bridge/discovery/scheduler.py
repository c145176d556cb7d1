"""When a discovery message goes out, and how often (discovery-and-metadata.md 4.5, SOAP-over-UDP)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

APP_MAX_DELAY_S = 0.5
"""Longest random wait before Hello and ProbeMatches, so that many devices do not speak at once (checklist 44, 71)."""

MULTICAST_TRANSMISSIONS = 4
"""How often Hello and Bye are sent in all."""

UNICAST_TRANSMISSIONS = 2
"""How often ProbeMatches and ResolveMatches are sent in all."""

MIN_GAP_S = 0.05
MAX_GAP_S = 0.25
"""Between these lies the random gap before the first repeat; it doubles before each further one."""

UPPER_GAP_S = 0.45
"""Longest gap between two repeats."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it goes out: the same bytes every time, `times` times (checklist 56)."""

    data: bytes
    times: int


@dataclass(eq=False, slots=True)
class _Sending:
    owner: str
    send: Callable[[bytes], None]
    call: IDelayedCall | None = None
    rest: int = 0
    gap: float = 0.0


class Scheduler:
    """Sends messages after a random delay and repeats them. One for each socket.

    A message is written when its time has come, not when it is scheduled: message numbers then grow in the order in
    which clients see them.
    """

    def __init__(self, clock: IReactorTime, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._under_way: list[_Sending] = []
        self._waiting: list[Deferred[None]] = []

    def schedule(
        self,
        owner: str,
        write: Callable[[], Outgoing | None],
        send: Callable[[bytes], None],
        *,
        max_delay: float = 0.0,
    ) -> None:
        """Send what `write` gives, None for nothing, through `send`, at once or within `max_delay` seconds.

        `owner` names it for `cancel`; several messages may have the same.
        """
        sending = _Sending(owner, send)
        self._under_way.append(sending)
        if max_delay:
            delay = self._random.uniform(0.0, max_delay)
            sending.call = self._clock.callLater(delay, self._first, sending, write)
        else:
            self._first(sending, write)

    def cancel(self, owner: str) -> None:
        """Send nothing more of what was scheduled for `owner`."""
        for sending in [known for known in self._under_way if known.owner == owner]:
            self._drop(sending)

    def stop(self) -> None:
        """Send nothing more at all."""
        for sending in self._under_way[:]:
            self._drop(sending)

    def drained(self) -> Deferred[None]:
        """Fires when everything scheduled is sent or cancelled; at most about a second after the last message began."""
        drained: Deferred[None] = Deferred()
        self._waiting.append(drained)
        self._tell_drained()
        return drained

    def _first(self, sending: _Sending, write: Callable[[], Outgoing | None]) -> None:
        sending.call = None
        try:
            outgoing = write()
        except Exception:
            self._drop(sending)
            raise
        if outgoing is None or outgoing.times < 1:
            self._drop(sending)
            return
        sending.rest = outgoing.times
        sending.gap = self._random.uniform(MIN_GAP_S, MAX_GAP_S)
        self._transmit(sending, outgoing.data)

    def _transmit(self, sending: _Sending, data: bytes) -> None:
        sending.call = None
        sending.rest -= 1
        sending.send(data)
        if sending not in self._under_way:
            return  # `send` found the socket broken and stopped us
        if not sending.rest:
            self._drop(sending)
            return
        sending.call = self._clock.callLater(sending.gap, self._transmit, sending, data)
        sending.gap = min(sending.gap * 2, UPPER_GAP_S)

    def _drop(self, sending: _Sending) -> None:
        if sending.call is not None:
            sending.call.cancel()
            sending.call = None
        if sending in self._under_way:
            self._under_way.remove(sending)
        self._tell_drained()

    def _tell_drained(self) -> None:
        if not self._under_way:
            waiting, self._waiting = self._waiting, []
            for drained in waiting:
                drained.callback(None)
