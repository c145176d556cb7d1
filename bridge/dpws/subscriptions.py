"""The event source and its Subscription Manager: Subscribe, Renew, GetStatus, Unsubscribe, expiry, end.

eventing.md 2 to 5. Nothing here knows which events there are, nor what a service adds to a Subscribe: both come in
through the constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.dpws.eventing_faults import invalid_message, unable_to_process, unable_to_renew
from bridge.dpws.expiry import Term, TermRules, format_duration
from bridge.dpws.filters import event_name
from bridge.dpws.notifier import ATTEMPT_TIMEOUT_S, Event, Notifier, Poster, event_message
from bridge.dpws.sinks import Sink, SinkRules
from bridge.dpws.subscribe import body_named, expires_of, read_subscribe
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSA_E, WSE_E, Element, Envelope, new_message_id, text_of
from bridge.soap.exchange import AnyReply, Exchange, Operation, Reply
from bridge.soap.faults import scan_fault
from bridge.soap.namespaces import tag

MAX_SUBSCRIPTIONS = 64
"""Most subscriptions of one event source (design, limits)."""

MAX_SUBSCRIPTIONS_PER_CLIENT = 16
"""Most subscriptions of one client address at one event source, so that one client cannot keep all others out."""

FAREWELL_TIMEOUT_S = 2.0
"""How long the end of the service waits for events on their way, and again for SubscriptionEnd to arrive."""


class EndStatus(str, Enum):
    """Why the source ends a subscription (eventing.md 4)."""

    DELIVERY_FAILURE = f"{ns.WSE}/DeliveryFailure"
    SOURCE_SHUTTING_DOWN = f"{ns.WSE}/SourceShuttingDown"
    SOURCE_CANCELLING = f"{ns.WSE}/SourceCancelling"


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription. `id` is known to its client alone and names it in requests; `client` is an address literal.

    `manager` is the URL at which the client manages it; `ends_at` is on the monotonic clock.
    """

    id: str
    client: str
    manager: str
    notify_to: Sink
    end_to: Sink | None
    actions: frozenset[str]
    ends_at: float = 0.0
    timer: IDelayedCall | None = None
    notifier: Notifier | None = None

    @property
    def sink(self) -> str:
        """The URL that events go to."""
        return self.notify_to.url

    def wants(self, action: str) -> bool:
        """Whether its filter lets `action` through (checklist 289)."""
        return action in self.actions


class Extension(Protocol):
    """What a service adds to Subscribe and its answer."""

    def subscribe(self, subscriber: Subscription, request: Element) -> Sequence[Element]:
        """What the answer to `request` holds after Expires. Raises SoapFault or an error of bridge.errors to refuse."""

    def ended(self, subscriber: Subscription, *, unsubscribed: bool) -> None:
        """The subscription is over; `unsubscribed` when its client wished so."""

    def overview(self, subscriber: Subscription) -> Mapping[str, object]:
        """What the status tells about the subscription besides."""


class EventSource:
    """The events of one service and who gets them; an `Endpoint` for the URL of that service.

    `offered` are the actions of its events, `clock` is monotonic.
    """

    log = Logger()

    def __init__(
        self,
        offered: Sequence[str],
        poster: Poster,
        clock: IReactorTime,
        terms: TermRules,
        sinks: SinkRules,
        extension: Extension | None = None,
        identifiers: Callable[[], str] = new_message_id,
    ) -> None:
        self._offered = tuple(offered)
        self._poster = poster
        self._clock = clock
        self._terms = terms
        self._sinks = sinks
        self._extension = extension
        self._identifiers = identifiers
        self._subscriptions: dict[str, Subscription] = {}
        self._accepting = True
        self._operations: dict[str, Operation] = {
            f"{ns.WSE}/Subscribe": self.subscribe,
            f"{ns.WSE}/Renew": self.renew,
            f"{ns.WSE}/GetStatus": self.get_status,
            f"{ns.WSE}/Unsubscribe": self.unsubscribe,
        }

    # -- Endpoint --------------------------------------------------------------------------------

    def operation(self, action: str) -> Operation | None:
        """The eventing operation of `action`, None when it is none."""
        return self._operations.get(action)

    def fault(self, error: Exception) -> Exception:
        """Eventing raises its own faults; what an extension raises is for the scan service's table."""
        return scan_fault(error)

    # -- operations ------------------------------------------------------------------------------

    async def subscribe(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Take a subscription (eventing.md 2). Raises SoapFault; none of them leaves anything behind."""
        request = read_subscribe(envelope, exchange, self._offered, self._sinks)
        term = self._terms.grant(request.expires)
        if not self._accepting:
            raise unable_to_process("the service is stopping")
        if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
            raise unable_to_process(f"there are {MAX_SUBSCRIPTIONS} subscriptions already; try again later")
        same = sum(1 for subscription in self._subscriptions.values() if subscription.client == exchange.peer_host)
        if same >= MAX_SUBSCRIPTIONS_PER_CLIENT:
            raise unable_to_process(f"this client has {same} subscriptions already; end some of them first")
        subscription = Subscription(
            self._identifiers(),
            exchange.peer_host,
            exchange.url(exchange.path),
            request.notify_to,
            request.end_to,
            request.actions,
        )
        assert envelope.body is not None
        added = self._extension.subscribe(subscription, envelope.body) if self._extension is not None else ()
        subscription.notifier = Notifier(
            request.notify_to, self._poster, self._clock, lambda: self._given_up(subscription)
        )
        self._subscriptions[subscription.id] = subscription
        self._last(subscription, term)
        self.log.info(
            "{client} subscribed to {events} for {seconds:g} s",
            client=subscription.client,
            events=", ".join(self._events(subscription)),
            seconds=term.seconds,
        )
        body = WSE_E("SubscribeResponse", _subscription_manager(subscription), WSE_E("Expires", term.text), *added)
        return Reply(f"{ns.WSE}/SubscribeResponse", body)

    async def renew(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Let the term begin anew (checklist 263). Raises SoapFault."""
        body = body_named(envelope, "Renew")
        subscription = self._named(envelope)
        if subscription is None:
            raise unable_to_renew()
        term = self._terms.grant(expires_of(body))
        self._last(subscription, term)
        return Reply(f"{ns.WSE}/RenewResponse", WSE_E("RenewResponse", WSE_E("Expires", term.text)))

    async def get_status(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """Tell the rest of the term, as a duration (checklist 265). Raises SoapFault."""
        body_named(envelope, "GetStatus")
        subscription = self._existing(envelope)
        rest = format_duration(subscription.ends_at - self._clock.seconds())
        return Reply(f"{ns.WSE}/GetStatusResponse", WSE_E("GetStatusResponse", WSE_E("Expires", rest)))

    async def unsubscribe(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        """End a subscription at once, with what waits for delivery (checklist 266). Raises SoapFault."""
        body_named(envelope, "Unsubscribe")
        subscription = self._existing(envelope)
        self._remove(subscription, unsubscribed=True)
        self.log.info("{client} unsubscribed", client=subscription.client)
        return Reply(f"{ns.WSE}/UnsubscribeResponse", None)

    # -- for the service -------------------------------------------------------------------------

    def publish(self, action: str, body: Element, topic: str | None = None) -> None:
        """Send an event to every subscriber whose filter lets it through; see `notifier.Event` for `topic`."""
        event = Event(action, body, topic)
        for subscription in list(self._subscriptions.values()):
            self._notify(subscription, event)

    def send(self, subscription_id: str, action: str, body: Element) -> bool:
        """Send an event to one subscriber only; False when there is no such subscription or its filter is against."""
        subscription = self._subscriptions.get(subscription_id)
        return subscription is not None and self._notify(subscription, Event(action, body))

    def end(self, subscription_id: str, status: EndStatus, reason: str) -> Deferred[None]:
        """End a subscription and tell its EndTo, once, if it has one (eventing.md 4).

        Fires when that is done or has failed; never fails. Harmless for a subscription that is not there.
        """
        subscription = self._subscriptions.get(subscription_id)
        if subscription is None:
            return succeed(None)
        self._remove(subscription, unsubscribed=False)
        self.log.info("the subscription of {client} is ended: {reason}", client=subscription.client, reason=reason)
        if subscription.end_to is None:
            return succeed(None)
        return self._post_end(subscription, subscription.end_to, status, reason)

    def close(self, status: EndStatus = EndStatus.SOURCE_SHUTTING_DOWN, reason: str = "stopping") -> Deferred[None]:
        """End all subscriptions and take no more, after a short wait for events on their way (checklist 270).

        Fires within two FAREWELL_TIMEOUT_S; never fails.
        """
        self._accepting = False
        leaving = list(self._subscriptions.values())
        farewells = [self._farewell(subscription, status, reason) for subscription in leaving]
        return DeferredList(farewells, consumeErrors=True).addCallback(lambda _results: None)

    def overview(self) -> list[dict[str, object]]:
        """All subscriptions, oldest first, as `scanbridge status --json` tells them."""
        now = self._clock.seconds()
        return [
            {
                "id": subscription.id,
                "client": subscription.client,
                "events": self._events(subscription),
                "expires": self._terms.moment(subscription.ends_at - now),
                **(self._extension.overview(subscription) if self._extension is not None else {}),
            }
            for subscription in self._subscriptions.values()
        ]

    # -- the life of a subscription --------------------------------------------------------------

    def _named(self, envelope: Envelope) -> Subscription | None:
        """The subscription that the wse:Identifier header names, None when there is none (checklist 264)."""
        return self._subscriptions.get(text_of(envelope.header(tag(ns.WSE, "Identifier"))))

    def _existing(self, envelope: Envelope) -> Subscription:
        subscription = self._named(envelope)
        if subscription is None:
            raise invalid_message("there is no such subscription, or no longer")
        return subscription

    def _last(self, subscription: Subscription, term: Term) -> None:
        """Let `subscription` last for `term` from now."""
        subscription.ends_at = self._clock.seconds() + term.seconds
        _stop(subscription.timer)
        subscription.timer = self._clock.callLater(term.seconds, self._expire, subscription)

    def _expire(self, subscription: Subscription) -> None:
        """The term is over: no SubscriptionEnd, the client knew when (eventing.md 2.2)."""
        self._remove(subscription, unsubscribed=False)
        self.log.info("the subscription of {client} has expired", client=subscription.client)

    def _given_up(self, subscription: Subscription) -> None:
        self.end(subscription.id, EndStatus.DELIVERY_FAILURE, "events could not be delivered")

    def _remove(self, subscription: Subscription, *, unsubscribed: bool) -> None:
        del self._subscriptions[subscription.id]
        _stop(subscription.timer)
        if subscription.notifier is not None:
            subscription.notifier.close()
        if self._extension is not None:
            self._extension.ended(subscription, unsubscribed=unsubscribed)

    def _notify(self, subscription: Subscription, event: Event) -> bool:
        if subscription.notifier is None or not subscription.wants(event.action):
            return False
        subscription.notifier.notify(event)
        return True

    def _post_end(self, subscription: Subscription, sink: Sink, status: EndStatus, reason: str) -> Deferred[None]:
        body = WSE_E("SubscriptionEnd", _subscription_manager(subscription), WSE_E("Status", status.value))
        said = WSE_E("Reason", reason)
        said.set(tag(ns.XML, "lang"), "en")
        body.append(said)
        posting: Deferred[None] = succeed(None).addCallback(
            lambda _now: self._poster.post(sink, event_message(sink, f"{ns.WSE}/SubscriptionEnd", body))
        )
        posting.addTimeout(ATTEMPT_TIMEOUT_S if self._accepting else FAREWELL_TIMEOUT_S, self._clock)
        return posting.addErrback(self._not_told, sink)

    def _not_told(self, failure: Failure, sink: Sink) -> None:
        self.log.info("{url} did not hear of its end: {why}", url=sink.url, why=failure.getErrorMessage())

    def _farewell(self, subscription: Subscription, status: EndStatus, reason: str) -> Deferred[None]:
        assert subscription.notifier is not None
        idle = subscription.notifier.idle().addTimeout(FAREWELL_TIMEOUT_S, self._clock)
        return idle.addBoth(lambda _result: self.end(subscription.id, status, reason))

    def _events(self, subscription: Subscription) -> list[str]:
        return [event_name(action) for action in self._offered if subscription.wants(action)]


def _subscription_manager(subscription: Subscription) -> Element:
    """The endpoint reference at which the client manages its subscription (checklist 258)."""
    element: Element = WSE_E(
        "SubscriptionManager",
        WSA_E("Address", subscription.manager),
        WSA_E("ReferenceParameters", WSE_E("Identifier", subscription.id)),
    )
    return element


def _stop(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()
