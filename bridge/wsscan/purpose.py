"""What a scan is for: what a button on the scanner asks for, and what a destination on a PC offers.

Windows registers one destination for each of these purposes and tells them apart by ClientContext
(windows-client.md 1.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

from bridge.scanner.quirks import ButtonMeaning
from bridge.wsscan.destinations import Destination


class Purpose(str, Enum):
    """What becomes of the image on the PC; the values are the contexts that Windows registers."""

    SCAN = "Scan"
    PRINT = "ScanToPrint"
    EMAIL = "ScanToEmail"
    FAX = "ScanToFax"
    OCR = "ScanToOCR"


_WORDS: tuple[tuple[Purpose, re.Pattern[str]], ...] = (
    (Purpose.EMAIL, re.compile(r"e-?mail|\bmail")),
    (Purpose.FAX, re.compile(r"fax")),
    (Purpose.PRINT, re.compile(r"print|copy|copies")),
    (Purpose.OCR, re.compile(r"\bocr\b|toocr|\btext\b")),
)
_NOTHING = re.compile(r"cancel|stop|power|\bup\b|\bdown\b|\bmode\b|more-options")
"""Buttons that ask for no scan."""


_SETTING: Mapping[str, Purpose | None] = {**{each.name.lower(): each for each in Purpose}, "none": None}
"""The words of the setting push.buttons, and of the quirk of that name."""


def assigned_purposes(entries: Iterable[str], scanner: str) -> dict[str, Purpose | None]:
    """What the setting push.buttons says of the buttons of the scanner with the title `scanner`, by their names.

    An entry is "button: word", or "model/button: word" for scanners with that in their title.
    """
    found: dict[str, Purpose | None] = {}
    for entry in entries:
        place, _, word = entry.rpartition(": ")
        model, _, button = place.rpartition("/")
        if model.strip().casefold() in scanner.casefold():
            found[_plain(button.strip())] = _SETTING[word]
    return found


def known_purposes(buttons: Iterable[ButtonMeaning]) -> dict[str, Purpose | None]:
    """What a quirk says of the scanner's buttons, by their names."""
    return {_plain(button.name): _SETTING[button.purpose] for button in buttons}


def purpose_of_button(button: str, assigned: Mapping[str, Purpose | None] | None = None) -> Purpose | None:
    """What the scanner's button called `button` asks for, None when it asks for no scan.

    The names are SANE's (feasibility-sane.md 6); buttons that only have a number start a plain scan. `assigned` is
    what settings and quirks say.
    """
    name = _plain(button)
    if assigned and name in assigned:
        return assigned[name]
    if _NOTHING.search(name):
        return None
    return _in_words(name)


def purpose_of(destination: Destination) -> Purpose:
    """What a scan to `destination` is for: told by its context as Windows words it, else by context and name."""
    context = destination.context.strip().lower()
    for purpose in Purpose:
        if context == purpose.value.lower():
            return purpose
    return _in_words(f"{context} {destination.name.lower()}")


def _plain(button: str) -> str:
    return button.lower().replace("_", "-")


def _in_words(text: str) -> Purpose:
    return next((purpose for purpose, words in _WORDS if words.search(text)), Purpose.SCAN)
