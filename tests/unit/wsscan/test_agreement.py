"""The promised image: exact pixels, bytes of a line."""

from __future__ import annotations

import pytest

from bridge.scanner.model import ColorMode, Format, Region, Resolution
from bridge.wsscan.agreement import promised_image

REGION = Region(0, 0, 8500, 11700)


@pytest.mark.conformance(189)
@pytest.mark.parametrize(
    ("rotation", "expected"), [("0", (2550, 3510)), ("90", (3510, 2550)), ("180", (2550, 3510)), ("270", (3510, 2550))]
)
def test_rotation_swaps_width_and_height(rotation: str, expected: tuple[int, int]) -> None:
    """A quarter turn makes lines of columns."""
    image = promised_image(REGION, Resolution(300, 300), Format.JFIF, ColorMode.RGB_24, rotation=rotation)
    assert (image.pixels_per_line, image.number_of_lines) == expected


def test_scaling() -> None:
    """Width and height are scaled each by its own percentage."""
    image = promised_image(REGION, Resolution(300, 300), Format.JFIF, ColorMode.RGB_24, scaling=(50, 200))
    assert (image.pixels_per_line, image.number_of_lines) == (1275, 7020)


@pytest.mark.conformance(174)
def test_never_below_one_pixel() -> None:
    """The smallest region at the lowest resolution is one pixel."""
    image = promised_image(Region(0, 0, 1, 1), Resolution(75, 75), Format.JFIF, ColorMode.RGB_24)
    assert (image.pixels_per_line, image.number_of_lines) == (1, 1)


@pytest.mark.conformance(187, 188)
@pytest.mark.parametrize(
    ("kind", "color", "expected"),
    [
        (Format.JFIF, ColorMode.RGB_24, 0),
        (Format.EXIF, ColorMode.GRAYSCALE_8, 0),
        (Format.PNG, ColorMode.RGB_48, 0),
        (Format.PDF_A, ColorMode.RGB_24, 0),
        (Format.TIFF_SINGLE_G4, ColorMode.BLACK_AND_WHITE_1, 0),
        (Format.TIFF_MULTI_G4, ColorMode.BLACK_AND_WHITE_1, 0),
        (Format.TIFF_SINGLE_UNCOMPRESSED, ColorMode.RGB_24, 303),
        (Format.TIFF_MULTI_UNCOMPRESSED, ColorMode.GRAYSCALE_16, 202),
        (Format.TIFF_SINGLE_UNCOMPRESSED, ColorMode.BLACK_AND_WHITE_1, 13),
        (Format.DIB, ColorMode.RGB_24, 304),
        (Format.DIB, ColorMode.GRAYSCALE_8, 104),
        (Format.DIB, ColorMode.BLACK_AND_WHITE_1, 16),
    ],
)
def test_bytes_of_a_line(kind: Format, color: ColorMode, expected: int) -> None:
    """Compressed formats have 0; uncompressed ones count whole bytes, and dib whole double words."""
    image = promised_image(Region(0, 0, 1010, 1000), Resolution(100, 100), kind, color)
    assert image.pixels_per_line == 101
    assert image.bytes_per_line == expected


@pytest.mark.conformance(188)
@pytest.mark.parametrize(("width", "expected"), [(310, 4), (320, 4), (330, 8), (640, 8)])
def test_whole_double_words(width: int, expected: int) -> None:
    """A line of dib that is whole already is not padded."""
    region = Region(0, 0, width, 1000)
    image = promised_image(region, Resolution(100, 100), Format.DIB, ColorMode.BLACK_AND_WHITE_1)
    assert image.bytes_per_line == expected
