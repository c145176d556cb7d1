"""Colours that stand in for others."""

from __future__ import annotations

import pytest

from bridge.scanner.model import ColorMode
from bridge.wsscan.colors import closest_color
from bridge.wsscan.parameters import COLOR, FRONT, LEAVES

ALL = tuple(ColorMode)
COMMON = (ColorMode.RGB_24, ColorMode.GRAYSCALE_8)


@pytest.mark.parametrize("color", list(ColorMode))
def test_an_offered_colour_is_taken(color: ColorMode) -> None:
    """A colour that the scanner has needs no substitute."""
    assert closest_color(color.value, ALL, ColorMode.RGB_24) is color


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("RGB48", ColorMode.RGB_24),
        ("RGBa32", ColorMode.RGB_24),
        ("RGBa64", ColorMode.RGB_24),
        ("Grayscale16", ColorMode.GRAYSCALE_8),
        ("Grayscale4", ColorMode.GRAYSCALE_8),
        ("BlackAndWhite1", ColorMode.GRAYSCALE_8),
    ],
)
@pytest.mark.conformance(144)
def test_the_same_family_comes_first(wanted: str, expected: ColorMode) -> None:
    """Colour is replaced by colour, gray and black and white by gray."""
    assert closest_color(wanted, COMMON, ColorMode.RGB_24) is expected


def test_an_unknown_keyword_gets_the_default() -> None:
    """What nobody can compare is replaced by the default."""
    assert closest_color("vnd:Sepia", COMMON, ColorMode.GRAYSCALE_8) is ColorMode.GRAYSCALE_8


@pytest.mark.parametrize("word", LEAVES[FRONT + COLOR].words)
@pytest.mark.parametrize("only", list(ColorMode))
def test_every_keyword_has_some_substitute(word: str, only: ColorMode) -> None:
    """Whatever single colour a scanner has, each keyword of the standard comes to it."""
    assert closest_color(word, (only,), only) is only
