"""What a Subscribe request asks for (eventing.md 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.dpws.eventing_faults import PUSH_MODE, delivery_mode_unavailable, invalid_message
from bridge.dpws.filters import wanted_actions
from bridge.dpws.sinks import Sink, SinkRules
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, Envelope, text_of
from bridge.soap.exchange import Exchange
from bridge.soap.namespaces import tag


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """A Subscribe that can be granted. `expires` is the text of wse:Expires, None when there is none."""

    notify_to: Sink
    end_to: Sink | None
    actions: frozenset[str]
    expires: str | None


def read_subscribe(
    envelope: Envelope, exchange: Exchange, offered: Sequence[str], rules: SinkRules
) -> SubscribeRequest:
    """The request in `envelope`, its children in any order (checklist 257); `offered` are the actions of our events.

    Raises SoapFault: InvalidMessage, DeliveryModeRequestedUnavailable, DestinationUnreachable, or a filter's faults.
    """
    body = body_named(envelope, "Subscribe")
    delivery = single(body, "Delivery")
    if delivery is None:
        raise invalid_message("Subscribe has no Delivery")
    mode = delivery.get("Mode")
    if mode is not None and mode.strip() != PUSH_MODE:
        raise delivery_mode_unavailable()
    notify_to = single(delivery, "NotifyTo")
    if notify_to is None:
        raise invalid_message("Delivery has no NotifyTo")
    end_to = single(body, "EndTo")
    return SubscribeRequest(
        rules.sink(notify_to, exchange),
        None if end_to is None else rules.sink(end_to, exchange),
        wanted_actions(single(body, "Filter"), offered),
        expires_of(body),
    )


def body_named(envelope: Envelope, name: str) -> Element:
    """The body, which is the element `name` of WS-Eventing. Raises SoapFault InvalidMessage for anything else."""
    if envelope.body is None or envelope.body.tag != tag(ns.WSE, name):
        raise invalid_message(f"the body is no {name}")
    return envelope.body


def single(parent: Element, name: str) -> Element | None:
    """The child `name` of WS-Eventing, None when there is none. Raises SoapFault InvalidMessage for two."""
    found = parent.findall(tag(ns.WSE, name))
    if len(found) > 1:
        raise invalid_message(f"{name} is there more than once")
    return found[0] if found else None


def expires_of(body: Element) -> str | None:
    """The text of wse:Expires in `body`, None when there is no such element."""
    expires = single(body, "Expires")
    return None if expires is None else text_of(expires)
