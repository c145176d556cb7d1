"""The table of formats that can be produced."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bridge.imaging.encoder import ImagingError, Page
from bridge.imaging.encoders import ENCODERS, encoder_for
from bridge.imaging.formats import FORMAT_COLORS
from bridge.scanner.model import ColorMode, Format, Resolution
from tests.unit.imaging.files import run_on_file


def page(color: ColorMode) -> Page:
    return Page(16, 16, color, Resolution(300, 300))


@pytest.mark.conformance(130)
def test_every_named_combination_is_produced() -> None:
    """Each format of the table makes a file of each colour that it is said to carry."""
    assert set(FORMAT_COLORS) == set(ENCODERS)
    for name, colors in FORMAT_COLORS.items():
        assert colors
        for color in colors:
            promised = page(color)
            encoder = encoder_for(name, promised)
            assert b"".join([encoder.begin(), encoder.rows(bytes(16 * promised.row_bytes)), *encoder.end()])


@pytest.mark.parametrize("name", list(Format))
@pytest.mark.parametrize("color", list(ColorMode))
def test_everything_else_is_refused(name: Format, color: ColorMode) -> None:
    """A format or colour outside the table is refused with its name."""
    if color in FORMAT_COLORS.get(name, ()):
        assert encoder_for(name, page(color))
        return
    with pytest.raises(ImagingError, match=name.value):
        encoder_for(name, page(color))


@pytest.mark.parametrize("dpi", [75, 150, 300, 1200, 4800])
@pytest.mark.parametrize("name", list(Format))
def test_the_resolution_is_in_the_file(name: Format, dpi: int) -> None:
    """Another program reads the resolution that was scanned with; of a PDF it is the image's on its page."""
    color = ColorMode.BLACK_AND_WHITE_1 if "g4" in name.value else ColorMode.GRAYSCALE_8
    page = Page(160, 80, color, Resolution(dpi, dpi))
    encoder = encoder_for(name, page)
    rows = [encoder.begin(), encoder.rows(bytes(page.row_bytes * page.height)), *encoder.end()]
    file = b"".join(bytes(block) for block in rows)
    if name is Format.PDF_A:
        words = run_on_file("pdfimages", "-list", "{}", input=file).decode().splitlines()[-1].split()
        assert (words[3:5], words[12:14]) == (["160", "80"], [str(dpi)] * 2)
        return
    with Image.open(io.BytesIO(file)) as image:
        across, along = (float(number) for number in image.info["dpi"])
    assert across == along == pytest.approx(dpi, abs=0.02)
