"""Which colour stands in for one that a scanner does not have (wsd-scan.md 8, substitution preferences)."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.scanner.model import ColorMode

_BLACK_AND_WHITE = ColorMode.BLACK_AND_WHITE_1
_GRAY = ColorMode.GRAYSCALE_8
_DEEP_GRAY = ColorMode.GRAYSCALE_16
_COLOR = ColorMode.RGB_24
_DEEP_COLOR = ColorMode.RGB_48

_STAND_INS = {
    "BlackAndWhite1": (_GRAY, _DEEP_GRAY, _COLOR, _DEEP_COLOR),
    "Grayscale4": (_GRAY, _DEEP_GRAY, _COLOR, _DEEP_COLOR, _BLACK_AND_WHITE),
    "Grayscale8": (_DEEP_GRAY, _COLOR, _DEEP_COLOR, _BLACK_AND_WHITE),
    "Grayscale16": (_GRAY, _DEEP_COLOR, _COLOR, _BLACK_AND_WHITE),
    "RGB24": (_DEEP_COLOR, _GRAY, _DEEP_GRAY, _BLACK_AND_WHITE),
    "RGB48": (_COLOR, _DEEP_GRAY, _GRAY, _BLACK_AND_WHITE),
    "RGBa32": (_COLOR, _DEEP_COLOR, _GRAY, _DEEP_GRAY, _BLACK_AND_WHITE),
    "RGBa64": (_DEEP_COLOR, _COLOR, _DEEP_GRAY, _GRAY, _BLACK_AND_WHITE),
}
"""What comes closest, first: the same family of colours before another, what loses nothing before what does."""


def closest_color(wanted: str, offered: Sequence[ColorMode], default: ColorMode) -> ColorMode:
    """The one of `offered` that is `wanted` or comes closest to it; `default` for a keyword that nobody knows."""
    exact = next((color for color in offered if color.value == wanted), None)
    if exact is not None:
        return exact
    return next((color for color in _STAND_INS.get(wanted, ()) if color in offered), default)
