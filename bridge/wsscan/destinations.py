"""Scan destinations: where on a client a press of the button can lead (eventing.md 6)."""

from __future__ import annotations

import secrets
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from bridge.errors import InvalidArgument, InvalidDestinationToken
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element
from bridge.soap.faults import RECEIVER, SoapFault
from bridge.soap.namespaces import tag
from bridge.wsscan.arguments import child, exact, required, scan_children

MAX_DESTINATIONS = 16
"""Most destinations of one subscription (design, limits)."""

MAX_NAME = 127
"""Longest ClientDisplayName in characters."""

GRACE_S = 60.0
"""How long a token outlives its subscription, unless the client unsubscribed."""

MAX_IN_GRACE = 1024
"""Most tokens that outlive their subscriptions; beyond that the oldest are forgotten early."""

SCAN_AVAILABLE = f"{ns.WSCN}/ScanAvailableEvent"
"""The event for which destinations are registered."""

_UNSHOWABLE = ("Cc", "Zl", "Zp")


class Subscriber(Protocol):
    """What is needed to know of a subscription."""

    @property
    def id(self) -> str:
        """Names it."""

    @property
    def client(self) -> str:
        """The address literal of its client."""

    @property
    def sink(self) -> str:
        """The URL that its events go to."""

    def wants(self, action: str) -> bool:
        """Whether its filter lets `action` through."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One ScanDestination: `name` is shown to people, `context` goes back to the client exactly as it came."""

    name: str
    context: str
    token: str
    subscription: str
    client: str
    sink: str

    def same_place(self, other: Destination) -> bool:
        """Whether both lead to the same place, perhaps by subscriptions one after the other."""
        return (self.sink, self.name) == (other.sink, other.name)


class Destinations:
    """All destinations of one scanner; the part of Subscribe that belongs to the scan service.

    `clock` is monotonic, `tokens` gives an unguessable one at each call.
    """

    def __init__(self, clock: IReactorTime, tokens: Callable[[], str] = lambda: secrets.token_hex(16)) -> None:
        self._clock = clock
        self._tokens = tokens
        self._live: dict[str, tuple[Destination, ...]] = {}
        self._by_token: dict[str, Destination] = {}
        self._grace: OrderedDict[str, tuple[Destination, float]] = OrderedDict()

    # -- what eventing calls ---------------------------------------------------------------------

    def subscribe(self, subscriber: Subscriber, request: Element) -> list[Element]:
        """Register what ScanDestinations in `request` names; the result is DestinationResponses, or nothing.

        Without ScanAvailableEvent in the filter they mean nothing and are passed over. Raises InvalidArgument, and
        SoapFault for too many.
        """
        given = child(request, "ScanDestinations") if subscriber.wants(SCAN_AVAILABLE) else None
        if given is None:
            return []
        wanted = [element for name, element in scan_children(given) if name == "ScanDestination"]
        if len(wanted) > MAX_DESTINATIONS:
            reason = f"there are more than {MAX_DESTINATIONS} scan destinations"
            raise SoapFault(RECEIVER, tag(ns.WSE, "EventSourceUnableToProcess"), reason, action=ns.EVENTING_FAULT)
        registered = tuple(self._read(element, subscriber) for element in wanted)
        if not registered:
            return []
        self._live[subscriber.id] = registered
        self._by_token.update((destination.token, destination) for destination in registered)
        return [WSCN_E("DestinationResponses", *(_response(destination) for destination in registered))]

    def ended(self, subscriber: Subscriber, *, unsubscribed: bool) -> None:
        """Nothing is sent to its destinations any more; their tokens hold a little longer, unless it unsubscribed."""
        until = self._clock.seconds() + GRACE_S
        for destination in self._live.pop(subscriber.id, ()):
            del self._by_token[destination.token]
            if not unsubscribed:
                self._grace[destination.token] = (destination, until)
        while len(self._grace) > MAX_IN_GRACE:
            self._grace.popitem(last=False)

    def overview(self, subscriber: Subscriber) -> dict[str, object]:
        """The subscription's destinations, for the status."""
        shown = [{"name": one.name, "context": one.context} for one in self._live.get(subscriber.id, ())]
        return {"destinations": shown}

    # -- what a press of the button needs --------------------------------------------------------

    def choices(self) -> list[Destination]:
        """The destinations that a person can choose from, newest last; each place once, by its newest registration."""
        newest: dict[tuple[str, str], Destination] = {}
        for registered in self._live.values():
            for destination in registered:
                newest.pop((destination.sink, destination.name), None)
                newest[destination.sink, destination.name] = destination
        return list(newest.values())

    def of_token(self, token: str) -> Destination:
        """The destination of a token. Raises InvalidDestinationToken when it is not valid now (checklist 180)."""
        found = self._by_token.get(token)
        if found is not None:
            return found
        kept, until = self._grace.get(token, (None, 0.0))
        if kept is None or self._clock.seconds() >= until:
            self._grace.pop(token, None)
            raise InvalidDestinationToken
        return kept

    def _read(self, element: Element, subscriber: Subscriber) -> Destination:
        context = required(element, "ClientContext")
        if len(context):
            raise InvalidArgument("ClientContext", "it holds elements")
        return Destination(
            _display_name(element),
            exact(context),
            self._tokens(),
            subscriber.id,
            subscriber.client,
            subscriber.sink,
        )


def _display_name(destination: Element) -> str:
    """ClientDisplayName, as ClientDisplayString in Microsoft's example, without white space around it (checklist 275).

    Raises InvalidArgument for what cannot be shown on one line.
    """
    element = child(destination, "ClientDisplayName")
    if element is None:
        element = child(destination, "ClientDisplayString")
    if element is None:
        raise InvalidArgument("ClientDisplayName", "it is missing")
    name = (element.text or "").strip(" \t\r\n")
    if not name or len(element):
        raise InvalidArgument("ClientDisplayName", "it holds no text, or more than text")
    if len(name) > MAX_NAME:
        raise InvalidArgument("ClientDisplayName", f"it is longer than {MAX_NAME} characters")
    if any(unicodedata.category(character) in _UNSHOWABLE for character in name):
        raise InvalidArgument("ClientDisplayName", "it holds control characters or line breaks")
    return name


def _response(destination: Destination) -> Element:
    """DestinationResponse (checklist 273)."""
    element: Element = WSCN_E(
        "DestinationResponse",
        WSCN_E("ClientContext", destination.context),
        WSCN_E("DestinationToken", destination.token),
    )
    return element
