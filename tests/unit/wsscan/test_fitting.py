"""Answers cut to one message."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.soap import namespaces as ns
from bridge.soap.addressing import MAX_URI
from bridge.soap.envelope import WSCN_E, Element, Envelope, write_envelope
from bridge.soap.parser import MAX_MESSAGE
from bridge.wsscan.fitting import fitting_reply, room_for_body

ACTION = f"{ns.WSCN}/GetActiveJobsResponse"


def request(message_id: str | None = "urn:uuid:1") -> Envelope:
    """A request with `message_id`."""
    return Envelope(ACTION, message_id, None, None, None, (), None)


def blocks(size: int, least: int = 0) -> Callable[[int], Element]:
    """A body of `least` bytes and `count` blocks of `size`."""

    def build(count: int) -> Element:
        body: Element = WSCN_E("Body", "x" * (least + size * count))
        return body

    return build


@pytest.mark.conformance(38)
@given(size=st.integers(1, 40000), most=st.integers(0, 100))
@settings(deadline=None)
def test_as_much_as_fits(size: int, most: int) -> None:
    """As many entries are taken as fit, and one more would not."""
    reply = fitting_reply(ACTION, blocks(size), most, request())
    assert reply is not None
    assert reply.body is not None
    taken = len(reply.body.text or "") // size
    empty = len('<wscn:Body xmlns:wscn=""></wscn:Body>') + len(ns.WSCN)
    assert taken == min(most, (room_for_body(request()) - empty) // size)


@pytest.mark.parametrize(("beyond", "taken"), [(0, 1), (1, 0)])
def test_the_last_byte_counts(beyond: int, taken: int) -> None:
    """A body that fills its room exactly is taken; one byte more is not."""
    empty = len(etree.tostring(WSCN_E("Body", "x"))) - 1
    filling = blocks(room_for_body(request()) - empty + beyond)
    for most in (1, 2):
        reply = fitting_reply(ACTION, filling, most, request())
        assert reply is not None
        assert reply.body is not None
        assert bool(reply.body.text) is bool(taken)


def test_nothing_fits() -> None:
    """When not even the empty list fits there is no answer."""
    assert fitting_reply(ACTION, blocks(1, 40000), 10, request()) is None
    assert fitting_reply(ACTION, blocks(1, 40000), 0, request()) is None


@pytest.mark.parametrize("character", ["x", "&", '"', "\U0001f5a8", "\r"])
def test_the_envelope_takes_no_more_than_is_reserved(character: str) -> None:
    """What is around the body is never larger than the room that is kept for it."""
    message_id = f"urn:{character * (MAX_URI - 5)}x"
    body = WSCN_E("GetActiveJobsResponse", WSCN_E("ActiveJobs"))
    whole = len(write_envelope(ACTION, body, relates_to=message_id))
    assert whole < MAX_MESSAGE - room_for_body(request(message_id))
