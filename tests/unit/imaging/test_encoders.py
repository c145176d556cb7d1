"""The table of formats that can be produced."""

from __future__ import annotations

import pytest

from bridge.imaging.encoder import ImagingError, Page
from bridge.imaging.encoders import ENCODERS, encoder_for
from bridge.imaging.formats import FORMAT_COLORS
from bridge.scanner.model import ColorMode, Format, Resolution


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
