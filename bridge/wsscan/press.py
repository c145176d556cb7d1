"""A press of the scanner's button: who is told, and what the job that follows must show (eventing.md 7)."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from bridge.errors import InvalidDestinationToken, InvalidScanIdentifier, NothingFound, Refusal
from bridge.scanner.model import InputSource
from bridge.soap.envelope import Element
from bridge.wsscan.destinations import SCAN_AVAILABLE, Destination, Destinations
from bridge.wsscan.events import scan_available_event
from bridge.wsscan.purpose import Purpose, purpose_of

IDENTIFIER_LIFE_S = 600.0
"""How long a client may take to answer a press with a job (wsd-scan.md 11.3)."""

MAX_IDENTIFIERS = 64
"""Most presses that wait for their job; beyond that the oldest is forgotten."""

Send = Callable[[str, str, Element], bool]
"""Sends an event (action and body) to one subscription, named first; False when it is not there any more."""


class NoDestination(Refusal, NothingFound):
    """No computer listens for the button; on a PC, add the scanner and allow it to send scans to the PC."""


class UnknownDestination(Refusal, NothingFound):
    """No computer has registered under that name.

    `known` are the names that there are.
    """

    def __init__(self, name: str, known: Sequence[str], *, pinned: bool = False) -> None:
        listed = f"the names are: {', '.join(known)}" if known else "no computer is registered at all"
        setting = " (the setting push.destination)" if pinned else ""
        super().__init__(f"no computer is registered as {name!r}{setting}; {listed}")
        self.known = tuple(known)


@dataclass(frozen=True, slots=True)
class _Press:
    """One ScanAvailableEvent, until its job comes or `until` on the monotonic clock."""

    destination: Destination
    until: float


class Presses:
    """Sends ScanAvailableEvent, and is the `PushRegistry` of CreateScanJob.

    `send` delivers to one subscription, `clock` is monotonic, `identifiers` gives one never given before at each call.
    `pinned` is the name of the destination that a press without a choice always goes to; empty for none.
    """

    log = Logger()

    def __init__(
        self,
        destinations: Destinations,
        send: Send,
        clock: IReactorTime,
        pinned: str = "",
        identifiers: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self.pinned = pinned
        self._destinations = destinations
        self._send = send
        self._clock = clock
        self._identifiers = identifiers
        self._waiting: OrderedDict[str, _Press] = OrderedDict()
        self._last: tuple[str, str] | None = None

    def press(self, name: str | None, source: InputSource, purpose: Purpose | None = None) -> Destination:
        """Tell the destination `name` that there is something to scan in `source`; None leaves the choice to us.

        Then it is the pinned one, else the last one told, else the newest; `purpose`, when the button has one, chooses
        among the destinations of that client. The result is the destination that was told (checklist 276). Raises
        UnknownDestination or NoDestination.
        """
        destination = self._named(name) if name is not None else self._usual(purpose)
        identifier = self._identifiers()
        event = scan_available_event(destination.context, identifier, source)
        if not self._send(destination.subscription, SCAN_AVAILABLE, event):
            raise NoDestination
        self._waiting[identifier] = _Press(destination, self._clock.seconds() + IDENTIFIER_LIFE_S)
        if len(self._waiting) > MAX_IDENTIFIERS:
            self._waiting.popitem(last=False)
        self._last = (destination.client, destination.name)
        self.log.info(
            "button: {client} is told for {name!r} that a scan from {source} is wanted",
            client=destination.client,
            name=destination.name,
            source=source.value,
        )
        return destination

    def check(self, scan_identifier: str | None, destination_token: str | None) -> None:
        """See whether a job may follow a press; what is None or empty is not looked at (wsd-scan.md 9.3).

        Raises InvalidScanIdentifier, and InvalidDestinationToken also for the token of another place than was told.
        """
        told = self._told(scan_identifier) if scan_identifier else None
        if destination_token:
            destination = self._destinations.of_token(destination_token)
            if told is not None and not told.same_place(destination):
                raise InvalidDestinationToken("the destination token is not that of the destination that was told")

    def used(self, scan_identifier: str) -> None:
        """A job was taken for this press: no other may follow (checklist 181)."""
        self._waiting.pop(scan_identifier, None)

    def _told(self, identifier: str) -> Destination:
        press = self._waiting.get(identifier)
        if press is None or self._clock.seconds() >= press.until:
            self._waiting.pop(identifier, None)
            raise InvalidScanIdentifier
        return press.destination

    def _named(self, name: str) -> Destination:
        return _named(name, self._destinations.choices(), pinned=False)

    def _usual(self, purpose: Purpose | None) -> Destination:
        """Where a press goes without a choice: the setting or the last time says to whom, the button what for."""
        choices = self._destinations.choices()
        if self.pinned:
            usual = _named(self.pinned, choices, pinned=True)
            # Who pins a destination has said what a plain button is for.
            purpose = None if purpose is Purpose.SCAN else purpose
        elif not choices:
            raise NoDestination
        else:
            again = [one for one in choices if (one.client, one.name) == self._last]
            usual = (again or choices)[-1]
            if not again:
                # Windows registers OCR last; nobody who just presses means that.
                purpose = purpose or Purpose.SCAN
        if purpose is None or purpose_of(usual) is purpose:
            return usual
        fitting = [one for one in choices if one.client == usual.client and purpose_of(one) is purpose]
        return (fitting or [usual])[-1]


def _named(name: str, choices: Sequence[Destination], *, pinned: bool) -> Destination:
    """The newest destination of that name, exactly written or else but for case."""
    found = [one for one in choices if one.name == name] or [
        one for one in choices if one.name.casefold() == name.strip().casefold()
    ]
    if not found:
        raise UnknownDestination(name, [one.name for one in choices], pinned=pinned)
    return found[-1]
