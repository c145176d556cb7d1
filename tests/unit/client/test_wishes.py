"""Words of the command line and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.client.wishes import ANY, JPEG, TIFF, Wishes, read_wishes
from bridge.errors import UsageError
from bridge.scanner.model import ColorMode, Format, InputSource


def test_nothing_asked() -> None:
    """Without a word everything is left to the scanner."""
    assert read_wishes() == Wishes()


@pytest.mark.parametrize(
    ("word", "formats"),
    [
        ("jpeg", JPEG),
        ("JPG", JPEG),
        ("png", (Format.PNG,)),
        ("tiff", TIFF),
        ("bmp", (Format.DIB,)),
        ("pdf", (Format.PDF_A,)),
        ("exif", (Format.EXIF,)),
        ("PDF-A", (Format.PDF_A,)),
        ("tiff-multi-g4", (Format.TIFF_MULTI_G4,)),
    ],
)
def test_formats(word: str, formats: tuple[Format, ...]) -> None:
    """A plain word allows every format of its kind, a keyword of the standard only itself."""
    assert read_wishes(format=word).formats == formats


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("page.jpg", JPEG),
        ("PAGE.JPEG", JPEG),
        ("a.b/page.png", (Format.PNG,)),
        ("page.tif", TIFF),
        ("page.bmp", (Format.DIB,)),
        ("page.pdf", (Format.PDF_A,)),
        ("page", ANY),
        (".hidden", ANY),
    ],
)
def test_endings(name: str, formats: tuple[Format, ...]) -> None:
    """The ending of the file decides where --format is missing."""
    wishes = read_wishes(output=name)

    assert wishes.formats == formats
    assert wishes.output == Path(name)


def test_the_format_wins_over_the_ending() -> None:
    """Who says --format means it, whatever the file is called."""
    assert read_wishes(output="page.jpg", format="png").formats == (Format.PNG,)
    assert read_wishes(output="page.xyz", format="png").formats == (Format.PNG,)


@pytest.mark.parametrize(
    ("word", "color"),
    [
        ("color", ColorMode.RGB_24),
        ("gray", ColorMode.GRAYSCALE_8),
        ("Lineart", ColorMode.BLACK_AND_WHITE_1),
        ("rgb48", ColorMode.RGB_48),
        ("Grayscale16", ColorMode.GRAYSCALE_16),
    ],
)
def test_colors(word: str, color: ColorMode) -> None:
    """Plain words and the standard's keywords are taken, in any capitals."""
    assert read_wishes(color=word).color is color


@pytest.mark.parametrize(
    ("word", "source"),
    [
        ("glass", InputSource.PLATEN),
        ("feeder", InputSource.ADF),
        ("duplex", InputSource.ADF_DUPLEX),
        ("platen", InputSource.PLATEN),
        ("adf", InputSource.ADF),
        ("ADFDuplex", InputSource.ADF_DUPLEX),
    ],
)
def test_sources(word: str, source: InputSource) -> None:
    """Plain words and the standard's keywords are taken, in any capitals."""
    assert read_wishes(source=word).source is source


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"format": "gif"}, "--format gif: expected one of jpeg, "),
        ({"color": "pink"}, "--color pink: expected one of color, "),
        ({"source": "table"}, "--source table: expected one of glass, "),
        ({"output": "page.gif"}, "page.gif: the ending .gif names no format; use one of .jpg, "),
        ({"resolution": 0}, "--resolution 0: expected pixels per inch"),
        ({"resolution": -300}, "--resolution -300: expected pixels per inch"),
        ({"pages": -1}, "--pages -1: expected a number of pages, or 0 for all"),
        ({"pages": 2**31}, "expected a number of pages, or 0 for all"),
        ({"pages": 2, "source": "glass"}, "--pages 2: the glass holds one page"),
    ],
)
def test_words_that_mean_nothing(words: dict[str, Any], complaint: str) -> None:
    """A word that means nothing is refused with those that do."""
    with pytest.raises(UsageError) as caught:
        read_wishes(**words)

    assert complaint in str(caught.value)


@pytest.mark.parametrize("pages", [0, 1])
def test_one_page_from_the_glass(pages: int) -> None:
    """One page, or all that there are, can be asked of the glass."""
    assert read_wishes(source="glass", pages=pages).pages == pages
