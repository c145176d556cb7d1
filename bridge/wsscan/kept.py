"""Elements that follow from the scanner's offer, made once for each offer: clients ask for them again and again.

Making the configuration and the default ticket took two thirds of the time of an answer (docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from bridge.soap.envelope import Element
from bridge.wsscan.offer import Offer


class KeptElement:
    """What `make` gives for an offer, kept until it is asked for another offer."""

    def __init__(self, make: Callable[[Offer], Element]) -> None:
        self._make = make
        self._offer: Offer | None = None
        self._element: Element | None = None

    def of(self, offer: Offer) -> Element:
        """A copy of the element for `offer`, to be put into a message."""
        if self._element is None or offer != self._offer:
            self._element, self._offer = self._make(offer), offer
        return deepcopy(self._element)
