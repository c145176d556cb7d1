"""Elements that are made once for what they follow from: clients ask for the same ones again and again.

Making the configuration and the default ticket took two thirds of the time of an answer (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Generic, TypeVar

from bridge.soap.envelope import Element

Source = TypeVar("Source")


class KeptElement(Generic[Source]):
    """What `make` gives for a source, a value that does not change, kept until it is asked for another one."""

    def __init__(self, make: Callable[[Source], Element]) -> None:
        self._make = make
        self._source: Source | None = None
        self._element: Element | None = None

    def of(self, source: Source) -> Element:
        """A copy of the element for `source`, to be put into a message."""
        if self._element is None or source != self._source:
            self._element, self._source = self._make(source), source
        return deepcopy(self._element)
