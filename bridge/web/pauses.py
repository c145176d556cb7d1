"""Lets the reactor do other things while a long page is made.

Twisted makes HTML of a whole tree at once: for a page with fifty jobs and fifty computers that took a tenth of a second
on a busy machine, in which no client was answered and no piece of an image passed on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.iweb import IRenderable
from twisted.web.template import Tag
from zope.interface import implementer

TAGS_AT_ONCE = 40
"""Elements that are made between two pauses."""


@implementer(IRenderable)
class Pause:
    """Renders as nothing, in a later turn of the reactor. One object may stand in many places."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def render(self, request: Any) -> Deferred[str]:
        """Twisted calls this when it comes to the place."""
        return deferLater(self._clock, 0, lambda: "")

    def lookupRenderMethod(self, name: str) -> Any:
        """Twisted asks for this only where a template names a method."""
        raise NotImplementedError(name)


def with_pauses(page: Tag, clock: IReactorTime) -> Tag:
    """`page` itself, with a pause before every TAGS_AT_ONCE-th of its elements but the first."""
    pause = Pause(clock)
    for number, (children, at) in enumerate(list(_elements(page.children)), 1):
        if number % TAGS_AT_ONCE == 0:
            children[at] = [pause, children[at]]
    return page


def _elements(children: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Where each element stands, in the order of the page."""
    for at, child in enumerate(children):
        if isinstance(child, Tag):
            yield children, at
            yield from _elements(child.children)
        elif isinstance(child, list):
            yield from _elements(child)
