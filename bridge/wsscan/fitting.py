"""Answers cut to what one message may hold (checklist 38; design, sizes)."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from bridge.errors import InvalidArgument
from bridge.soap.envelope import Element, Envelope
from bridge.soap.exchange import Reply
from bridge.soap.parser import MAX_MESSAGE

ENVELOPE_BYTES = 2048
"""More than an envelope takes beside its body and the RelatesTo header's text."""

MAX_CHARACTER_BYTES = 6
"""Most bytes that one character takes in XML; the longest is an escaped quotation mark."""


def room_for_body(request: Envelope) -> int:
    """Bytes that the body of an answer to `request` may have, so that the whole message is within MAX_MESSAGE."""
    return MAX_MESSAGE - ENVELOPE_BYTES - MAX_CHARACTER_BYTES * len(request.message_id or "")


def reply_within_limits(action: str, build: Callable[[int], Element], most: int, request: Envelope) -> Reply:
    """The answer whose body is `build(most)`, which leaves out as much as it must when that is found to be too large.

    Hardly any answer is, so that its size is first known when the message is written. Then InvalidArgument is raised
    where nothing more can be left out.
    """

    def shorter() -> Reply:
        reply = fitting_reply(action, build, most, request)
        if reply is None:
            raise InvalidArgument("RequestedElements", "the answer would be larger than a message may be; ask for less")
        return reply

    return Reply(action, build(most), shorter=shorter)


def fitting_reply(action: str, build: Callable[[int], Element], most: int, request: Envelope) -> Reply | None:
    """The answer whose body is `build(count)`, with the largest count up to `most` that fits; None when none does.

    `build` makes a new body at each call; a larger count makes a larger one.
    """
    room = room_for_body(request)
    body = build(most)
    if _size(body) <= room:
        return Reply(action, body)
    fitting: Reply | None = None
    low, high = 0, most - 1
    while low <= high:
        count = (low + high) // 2
        body = build(count)
        if _size(body) <= room:
            fitting, low = Reply(action, body), count + 1
        else:
            high = count - 1
    return fitting


def _size(body: Element) -> int:
    return len(etree.tostring(body, encoding="utf-8"))
