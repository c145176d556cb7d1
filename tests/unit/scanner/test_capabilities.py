"""What is published of a device, from options that are not in any dump."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.formats import MAX_SIDE
from bridge.scanner.capabilities import DEFAULT_RESOLUTION, DEFAULT_SIZE, MAX_LENGTH, MAX_RESOLUTIONS, capabilities
from bridge.scanner.descriptors import TYPES, UNITS, Option, Options, Range
from bridge.scanner.model import Capabilities, ColorMode, InputSource, Size, SourceCapabilities, pixels

GRAY = (ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1)
COLOR = (ColorMode.RGB_24, *GRAY)


def platen(*options: Option) -> SourceCapabilities:
    side = capabilities({InputSource.PLATEN: Options(options)}).platen
    assert side is not None
    return side


def resolution(**words: Any) -> Option:
    words.setdefault("name", "resolution")
    return Option(type="int", unit="dpi", **words)


def bed(width: float, height: float, start: float = 0.0, unit: str = "mm", quant: float = 0.0) -> list[Option]:
    across, along = Range(start, width, quant), Range(start, height, quant)
    return [
        Option("tl-x", "fixed", unit=unit, range=across),
        Option("tl-y", "fixed", unit=unit, range=along),
        Option("br-x", "fixed", unit=unit, range=across),
        Option("br-y", "fixed", unit=unit, range=along),
    ]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (resolution(choices=(600, 300, 75, 150)), (75, 150, 300, 600)),
        (resolution(choices=(300, 300, 0, -5, 600)), (300, 600)),
        (resolution(range=Range(50, 600, 1)), (50, 75, 100, 150, 200, 300, 400, 600)),
        (resolution(range=Range(1, 1200, 1)), (75, 100, 150, 200, 300, 400, 600, 1200)),
        (resolution(range=Range(100, 1600, 0)), (100, 150, 200, 300, 400, 600, 1200, 1600)),
        (resolution(range=Range(50, 600, 50)), (50, 100, 150, 200, 300, 400, 600)),
        (resolution(range=Range(300, 300, 0)), (300,)),
        (resolution(range=Range(310, 320, 0)), (310, 320)),
        (resolution(choices=(10, 20)), (10, 20)),
        (resolution(choices=()), (DEFAULT_RESOLUTION,)),
        (resolution(), (75, 100, 150, 200, 300, 400, 600, 1200, 2400, 4800)),
        (resolution(settable=False, choices=(75,)), (DEFAULT_RESOLUTION,)),
    ],
)
def test_resolutions(option: Option, expected: tuple[int, ...]) -> None:
    """A list is published as it is, ascending; of a range the usual resolutions and its limits."""
    assert platen(option).resolutions == expected


def test_resolutions_as_text_or_fractions_are_read() -> None:
    """Lists of other types than whole numbers count as what they say."""
    texts = Option("resolution", "string", size=9, choices=("75dpi", "300 dpi", "best"))
    assert platen(texts).resolutions == (75, 300)
    assert platen(Option("resolution", "fixed", choices=(75.0, 299.99))).resolutions == (75, 300)


def test_two_axes_publish_what_both_take() -> None:
    """With a resolution for each axis only those are published that both can be set to (wsd-scan.md 6.2)."""
    across = resolution(name="x-resolution", choices=(75, 150, 300, 600))
    along = resolution(name="y-resolution", choices=(150, 300, 600, 1200))
    assert platen(across, along).resolutions == (150, 300, 600)
    assert platen(across, resolution(name="y-resolution", range=Range(100, 400))).resolutions == (150, 300)


def test_no_resolution_is_published_that_the_bed_makes_impossible() -> None:
    """A resolution at which the whole bed exceeds the longest side of a file is not offered."""
    side = platen(resolution(choices=(300, 4800, 9600)), *bed(216.0, 297.0))
    assert side.resolutions == (300, 4800)
    assert pixels(side.maximum.height, 9600) > MAX_SIDE


def test_very_long_paper_is_bounded() -> None:
    """A feeder for metres of paper is published with MAX_LENGTH, and keeps its high resolutions."""
    side = platen(resolution(range=Range(50, 1200, 1)), *bed(216.0, 5000.0))
    assert side.maximum == Size(8503, MAX_LENGTH)
    assert side.resolutions[-1] == 1200


@pytest.mark.conformance(127)
def test_sizes_are_at_least_one_thousandth() -> None:
    """Millimetres become 1/1000 inch, rounded down; no size is published below one."""
    assert platen(*bed(216.0, 297.0)).maximum == Size(8503, 11692)
    assert platen(*bed(216.0, 297.0)).minimum == Size(1, 1)
    assert platen().minimum == Size(1, 1)


def test_a_bed_that_starts_elsewhere() -> None:
    """The size is what lies between the ends of the geometry options."""
    side = platen(*bed(226.0, 307.0, start=10.0))
    assert side.maximum == Size(8503, 11692)


def test_a_bed_in_pixels() -> None:
    """Geometry in pixels is turned into lengths by the resolution that is set."""
    side = platen(resolution(choices=(300, 600), value=600), *bed(5100, 7020, unit="pixel"))
    assert side.maximum == Size(8500, 11700)


def test_a_device_without_geometry_gets_the_usual_glass() -> None:
    """Where no option tells a size, letter's width and A4's height are assumed."""
    assert platen().maximum == DEFAULT_SIZE


@pytest.mark.parametrize(
    ("modes", "colors"),
    [
        (("Lineart", "Gray", "Color"), COLOR),
        (("Color",), COLOR),
        (("48 bits color",), (*COLOR, ColorMode.RGB_48)),
        (("Gray",), GRAY),
        (("Lineart",), GRAY),
        (("16 bits gray",), (*GRAY, ColorMode.GRAYSCALE_16)),
        ((), GRAY),
    ],
)
def test_colours_are_delivered_or_converted(modes: tuple[str, ...], colors: tuple[ColorMode, ...]) -> None:
    """Gray and black and white can be had of every device, colour and 16 bits only where it has them."""
    assert platen(Option("mode", "string", size=32, choices=modes)).colors == colors


@pytest.mark.conformance(128, 129)
def test_sources_that_are_missing_are_none() -> None:
    """Only what the scanner has is described; the back side only with duplex."""
    feeder = capabilities({InputSource.ADF: Options([])})
    assert feeder.platen is None
    assert feeder.adf_front is not None
    assert feeder.adf_back is None
    assert feeder.sources == (InputSource.ADF,)


def test_brightness_and_contrast_can_always_be_asked_for() -> None:
    """What the device cannot do of them is done on the way."""
    found = capabilities({InputSource.PLATEN: Options([])})
    assert found.brightness
    assert found.contrast


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)
WORDS = st.integers(-(2**31), 2**31 - 1)
OPTIONS = st.builds(
    Option,
    name=st.sampled_from(
        ["resolution", "x-resolution", "y-resolution", "mode", "depth", "tl-x", "tl-y", "br-x", "br-y", "brightness"]
    ),
    type=st.sampled_from(TYPES),
    unit=st.sampled_from(UNITS),
    size=st.integers(-8, 400),
    active=st.booleans(),
    settable=st.booleans(),
    range=st.none() | st.builds(Range, NUMBERS, NUMBERS, NUMBERS),
    choices=st.none() | st.lists(WORDS | NUMBERS | st.text(max_size=8), max_size=5).map(tuple),
    value=st.none() | NUMBERS | st.text(max_size=5),
)


@settings(deadline=None)
@given(st.lists(OPTIONS, max_size=12))
def test_any_options_make_publishable_capabilities(options: list[Option]) -> None:
    """Whatever a driver says, what is published obeys the schema and can be produced."""
    found: Capabilities = capabilities({InputSource.PLATEN: Options(options)})
    side = found.platen
    assert side is not None
    assert 1 <= side.minimum.width <= side.maximum.width <= MAX_LENGTH
    assert 1 <= side.minimum.height <= side.maximum.height <= MAX_LENGTH
    assert 0 < len(side.resolutions) <= MAX_RESOLUTIONS
    assert list(side.resolutions) == sorted(set(side.resolutions))
    for number in side.resolutions:
        assert number > 0
        assert pixels(max(side.maximum.width, side.maximum.height), number) <= MAX_SIDE
    assert ColorMode.GRAYSCALE_8 in side.colors
    assert found.formats
