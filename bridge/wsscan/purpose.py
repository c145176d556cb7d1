"""What a scan is for: what a button on the scanner asks for, and what a destination on a PC offers.

Windows registers one destination for each of these purposes and tells them apart by ClientContext
(windows-client.md 1.3).
"""

from __future__ import annotations

import re
from enum import Enum

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


def purpose_of_button(button: str) -> Purpose | None:
    """What the scanner's button called `button` asks for, None when it asks for no scan.

    The names are SANE's (feasibility-sane.md 6); buttons that only have a number start a plain scan.
    """
    name = button.lower().replace("_", "-")
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


def _in_words(text: str) -> Purpose:
    return next((purpose for purpose, words in _WORDS if words.search(text)), Purpose.SCAN)
