"""The faults of WS-Eventing and of its DPWS profile, one function each (eventing.md 5)."""

from __future__ import annotations

from lxml import etree

from bridge.soap import namespaces as ns
from bridge.soap.faults import RECEIVER, SENDER, SoapFault
from bridge.soap.namespaces import tag

PUSH_MODE = f"{ns.WSE}/DeliveryModes/Push"
"""The one delivery mode there is (eventing.md 1)."""

ACTION_DIALECT = f"{ns.WSDP}/Action"
"""The filter dialect that lists actions (eventing.md 1)."""


def delivery_mode_unavailable() -> SoapFault:
    """A delivery mode other than Push (checklist 251)."""
    reason = "only push delivery is offered"
    return _sender("DeliveryModeRequestedUnavailable", reason, "SupportedDeliveryMode", PUSH_MODE)


def filtering_unavailable() -> SoapFault:
    """A filter in a language that is not spoken here (checklist 256)."""
    reason = "filters are lists of actions; no other dialect is offered"
    return _sender("FilteringRequestedUnavailable", reason, "SupportedDialect", ACTION_DIALECT)


def filter_action_not_supported() -> SoapFault:
    """A filter that names no event of this service (checklist 255)."""
    reason = "none of the filter's actions is an event of this service"
    return SoapFault(SENDER, tag(ns.WSDP, "FilterActionNotSupported"), reason, action=ns.DEVPROF_FAULT)


def invalid_expiration(why: str) -> SoapFault:
    """A term that is over already or is none (checklist 261)."""
    return _sender("InvalidExpirationTime", why)


def unsupported_expiration() -> SoapFault:
    """A term that ends at a point in time, while our clock may be wrong (R3013)."""
    return _sender("UnsupportedExpirationType", "the clock is not synchronised; ask for a duration")


def invalid_message(why: str) -> SoapFault:
    """A request that is not what it should be."""
    return _sender("InvalidMessage", why)


def unable_to_process(why: str) -> SoapFault:
    """No further subscription can be taken now."""
    return SoapFault(RECEIVER, tag(ns.WSE, "EventSourceUnableToProcess"), why, action=ns.EVENTING_FAULT)


def unable_to_renew() -> SoapFault:
    """A subscription that is to be renewed and is not there (checklist 267)."""
    reason = "there is no such subscription, or no longer; subscribe again"
    return SoapFault(RECEIVER, tag(ns.WSE, "UnableToRenew"), reason, action=ns.EVENTING_FAULT)


def _sender(local: str, reason: str, detail_name: str | None = None, detail_text: str | None = None) -> SoapFault:
    detail = None
    if detail_name is not None:
        detail = etree.Element(tag(ns.WSE, detail_name), nsmap={"wse": ns.WSE})
        detail.text = detail_text
    return SoapFault(SENDER, tag(ns.WSE, local), reason, detail=detail, action=ns.EVENTING_FAULT)
