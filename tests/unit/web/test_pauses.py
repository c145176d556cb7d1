"""A long page is made bit by bit, and comes out as if it had been made at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock
from twisted.web.template import Tag, flattenString, tags

from bridge.web.pages import answer_html
from bridge.web.pauses import TAGS_AT_ONCE, Later, with_pauses


class CountingClock(Clock):
    """A clock that counts what it was asked to do."""

    asked = 0

    def callLater(self, when: float, what: Any, *args: Any, **kw: Any) -> DelayedCall:
        """Twisted's."""
        self.asked += 1
        return super().callLater(when, what, *args, **kw)


def page(rows: int) -> Tag:
    """So many rows of two elements each, in lists within lists as a page is made of."""
    return tags.div([[tags.p(tags.b(str(number)), " of ", str(rows))] for number in range(rows)], tags.footer("end"))


def test_the_same_page_over_some_turns_of_the_reactor() -> None:
    """Every TAGS_AT_ONCE elements others get their turn; nothing is lost or out of order."""
    clock = CountingClock()
    rows = 5 * TAGS_AT_ONCE
    making = flattenString(None, with_pauses(page(rows), clock))
    assert not making.called
    # A clock's call that is made in a call of the same moment is made at once; the reactor makes it in its next turn.
    clock.advance(0)
    assert clock.asked == (2 * rows + 1) // TAGS_AT_ONCE
    assert making.result == flattenString(None, page(rows)).result


def test_a_short_page_is_made_at_once() -> None:
    """What is quick does not wait for anything."""
    assert flattenString(None, with_pauses(page(TAGS_AT_ONCE // 2 - 1), Clock())).called


def test_what_is_made_later_comes_out_in_its_place() -> None:
    """An element that is made when its turn comes, and one within that: each in a turn of its own, and in order."""
    made: list[str] = []

    def inner() -> Tag:
        made.append("inner")
        return tags.b("two")

    def outer() -> Tag:
        made.append("outer")
        return tags.p("one, ", Later(inner))

    def whole() -> Tag:
        return tags.div(Later(outer), [tags.p("three")])

    clock = CountingClock()
    making = flattenString(None, with_pauses(whole(), clock))
    assert (made, clock.asked) == ([], 1)
    clock.advance(0)
    assert made == ["outer", "inner"]
    assert clock.asked == 2
    assert making.result == b"<div><p>one, <b>two</b></p><p>three</p></div>"
    assert flattenString(None, whole()).result == making.result


def test_nobody_is_answered_who_left_meanwhile() -> None:
    """A client that goes while its page is made costs no more than that."""
    clock = Clock()
    written: list[Any] = []
    gone = False
    request = SimpleNamespace(
        setResponseCode=lambda status: None,
        setHeader=lambda name, value: None,
        has_lost_its_client=lambda: gone,
        write=written.append,
        finish=lambda: written.append("finished"),
        processingFailed=lambda failure: failure,
        site=SimpleNamespace(reactor=clock),
    )
    answer_html(request, page(TAGS_AT_ONCE))
    gone = True
    while clock.getDelayedCalls():
        clock.advance(0)
    assert written == []
