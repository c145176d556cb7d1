"""The filter of Subscribe: which events it lets through, and which filters are refused."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge.dpws.filters import event_name, wanted_actions
from bridge.soap import namespaces as ns
from bridge.soap.faults import SoapFault
from bridge.wsscan.events import EVENT_ACTIONS, EVENT_NAMES
from tests.fakes.event_bench import DIALECT, action

XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"


def wanted(text: str | None, dialect: str | None = DIALECT) -> set[str]:
    """The names of the events that the filter `text` lets through."""
    element = etree.Element(f"{{{ns.WSE}}}Filter")
    element.text = text
    if dialect is not None:
        element.set("Dialect", dialect)
    return {event_name(found) for found in wanted_actions(element, EVENT_ACTIONS)}


def refusal(text: str | None, dialect: str | None = DIALECT) -> SoapFault:
    with pytest.raises(SoapFault) as caught:
        wanted(text, dialect)
    return caught.value


@pytest.mark.conformance(252)
@pytest.mark.parametrize("name", EVENT_NAMES)
def test_a_full_action_is_that_event_alone(name: str) -> None:
    """A filter with the URI of an event lets that event through and no other."""
    assert wanted(action(name)) == {name}


@pytest.mark.conformance(253)
def test_several_actions_are_separated_by_any_white_space() -> None:
    """A filter is a list; spaces, tabs and line breaks separate and surround its entries."""
    text = f"\n\t{action('JobStatusEvent')}\r\n  {action('JobEndStateEvent')}\t{action('JobStatusEvent')} \n"
    assert wanted(text) == {"JobStatusEvent", "JobEndStateEvent"}


@pytest.mark.conformance(254)
@pytest.mark.parametrize(
    "text",
    [
        ns.WSCN,
        f"{ns.WSCN}/",
        "http://schemas.microsoft.com/windows",
        "http://schemas.microsoft.com",
        "http://schemas.microsoft.com/",
        f"HTTP://Schemas.Microsoft.COM{ns.WSCN.partition('.com')[2]}",
    ],
)
def test_a_prefix_of_whole_segments_is_all_events(text: str) -> None:
    """The namespace, or fewer segments of it, matches every event; case counts in the path only."""
    assert wanted(text) == set(EVENT_NAMES)


@pytest.mark.conformance(255)
@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        action("NoSuchEvent"),
        action("ScanAvailable"),
        action("ScanAvailableEvent/more"),
        action("scanavailableevent"),
        f"{ns.WSCN}x",
        ns.WSCN.replace("wdp/scan", "wdp/sca"),
        ns.WSCN.replace("windows", "Windows"),
        "http://schemas.xmlsoap.org/ws/2004/08/eventing/SubscriptionEnd",
        "http:",
        "http://",
        "http:///windows",
        "/",
        "ScanAvailableEvent",
        "http://[",
    ],
)
def test_a_filter_for_nothing_that_there_is_is_refused(text: str | None) -> None:
    """When no entry matches an event, the answer is wsdp:FilterActionNotSupported."""
    fault = refusal(text)
    assert fault.subcode == f"{{{ns.WSDP}}}FilterActionNotSupported"
    assert fault.action == ns.DEVPROF_FAULT
    assert fault.http_status == 400


def test_unknown_actions_beside_known_ones_are_passed_over() -> None:
    """One entry that matches is enough."""
    assert wanted(f"urn:unknown {action('JobEndStateEvent')} {action('NoSuchEvent')}") == {"JobEndStateEvent"}


def test_no_filter_is_everything() -> None:
    """A Subscribe without a filter is for all events."""
    assert wanted_actions(None, EVENT_ACTIONS) == frozenset(EVENT_ACTIONS)


@pytest.mark.parametrize("text", ["ScanAvailableEvent", "\n  ScanAvailableEvent\n", action("ScanAvailableEvent")])
def test_a_filter_without_a_dialect_may_name_one_event(text: str) -> None:
    """Microsoft's example has the bare name of an event and no dialect; that is understood."""
    assert wanted(text, None) == {"ScanAvailableEvent"}


@pytest.mark.conformance(256)
@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (action("ScanAvailableEvent"), XPATH),
        (action("ScanAvailableEvent"), "urn:unknown"),
        (action("ScanAvailableEvent"), ""),
        ("//wscn:ScanAvailableEvent", None),
        ("", None),
        (ns.WSCN, None),
    ],
)
def test_another_dialect_is_refused_naming_ours(text: str, dialect: str | None) -> None:
    """A dialect other than the list of actions gets wse:FilteringRequestedUnavailable with SupportedDialect."""
    fault = refusal(text, dialect)
    assert fault.subcode == f"{{{ns.WSE}}}FilteringRequestedUnavailable"
    assert fault.action == ns.EVENTING_FAULT
    assert fault.detail is not None
    assert (fault.detail.tag, fault.detail.text) == (f"{{{ns.WSE}}}SupportedDialect", DIALECT)
