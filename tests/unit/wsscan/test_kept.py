"""An element is made once for an offer, and each asker gets one of its own."""

from __future__ import annotations

from dataclasses import replace

from bridge.soap.envelope import WSCN_E, Element
from bridge.wsscan.kept import KeptElement
from bridge.wsscan.offer import Defaults, Offer
from tests.fakes.scan_service import scan_offer


def counting() -> tuple[KeptElement, list[Offer]]:
    """A kept element that tells its offer's quality, and the offers for which it was made."""
    made: list[Offer] = []

    def make(offer: Offer) -> Element:
        made.append(offer)
        element: Element = WSCN_E("Quality", str(offer.defaults.quality))
        return element

    return KeptElement(make), made


def test_it_is_made_once_for_equal_offers() -> None:
    """Offers are made anew for each request, so equal ones must count as one."""
    kept, made = counting()
    first, second = kept.of(scan_offer()), kept.of(scan_offer())
    assert len(made) == 1
    assert first.text == second.text == "85"


def test_another_offer_makes_it_anew() -> None:
    """What a changed scanner offers is told at once, and the old one is not kept beside it."""
    kept, made = counting()
    offer = scan_offer()
    assert kept.of(offer).text == "85"
    assert kept.of(replace(offer, defaults=Defaults(quality=30))).text == "30"
    assert kept.of(offer).text == "85"
    assert len(made) == 3


def test_nobody_can_change_what_is_kept() -> None:
    """Each asker gets a copy, which goes into a message of its own."""
    kept, _ = counting()
    taken = kept.of(scan_offer())
    WSCN_E("ElementData").append(taken)
    taken.text = "changed"
    assert kept.of(scan_offer()).text == "85"
    assert kept.of(scan_offer()).getparent() is None
