"""Lets the reactor do other things while a long page is made.

Twisted makes HTML of a whole tree at once: for a page with fifty jobs and fifty computers that took a tenth of a second
on a busy machine, in which no client was answered and no piece of an image passed on. Making the tree
of elements was the longest turn that pauses left: what there may be many of is made when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.iweb import IRenderable
from twisted.web.template import Tag
from zope.interface import implementer

TAGS_AT_ONCE = 40
"""Elements that are made between two pauses."""


class _Element:
    """Something that stands among a page's elements, and is no template."""

    def lookupRenderMethod(self, name: str) -> Any:
        """Twisted asks for this only where a template names a method."""
        raise NotImplementedError(name)


@implementer(IRenderable)
class Later(_Element):
    """An element that `make` makes when what stands before it is HTML already.

    with_pauses has it made in a later turn of the reactor.
    """

    def __init__(self, make: Callable[[], Tag]) -> None:
        self.make = make

    def render(self, request: Any) -> Tag:
        """Twisted calls this when it comes to the place."""
        return self.make()


@implementer(IRenderable)
class _InTurn(_Element):
    """A Later whose element is made in a turn of its own, with pauses within."""

    def __init__(self, later: Later, clock: IReactorTime) -> None:
        self._later = later
        self._clock = clock

    def render(self, request: Any) -> Deferred[Tag]:
        return deferLater(self._clock, 0, lambda: with_pauses(self._later.make(), self._clock))


@implementer(IRenderable)
class Pause(_Element):
    """Renders as nothing, in a later turn of the reactor. One object may stand in many places."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def render(self, request: Any) -> Deferred[str]:
        """Twisted calls this when it comes to the place."""
        return deferLater(self._clock, 0, lambda: "")


def with_pauses(page: Tag, clock: IReactorTime) -> Tag:
    """`page` itself, with a pause before every TAGS_AT_ONCE-th of its elements but the first, and before each Later."""
    pause = Pause(clock)
    for number, (children, at) in enumerate(list(_elements(page.children)), 1):
        child = children[at]
        if isinstance(child, Later):
            children[at] = _InTurn(child, clock)
        elif number % TAGS_AT_ONCE == 0:
            children[at] = [pause, child]
    return page


def _elements(children: list[Any]) -> Iterator[tuple[list[Any], int]]:
    """Where each element stands, in the order of the page."""
    for at, child in enumerate(children):
        if isinstance(child, Later):
            yield children, at
        elif isinstance(child, Tag):
            yield children, at
            yield from _elements(child.children)
        elif isinstance(child, list):
            yield from _elements(child)
