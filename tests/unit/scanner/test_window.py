"""Which part of the bed is asked of a device: sheets, offsets, backs that come upside down."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.imaging.geometry import Placement, Placer
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest, Size, pixels
from bridge.scanner.quirks import NO_QUIRKS, Offset, Quirks
from bridge.scanner.window import EARLY_LINES, TurnedSheet, paper_length, shift_of, spans

DPI = 100
TURNED = Quirks(backs_turned=True)


def request(region: Region, media: Size | None = None, source: InputSource = InputSource.ADF_DUPLEX) -> ScanRequest:
    width, height = pixels(region.width, DPI), pixels(region.height, DPI)
    plain = ScanRequest(source, ColorMode.GRAYSCALE_8, Format.PNG, Resolution(DPI, DPI), region, width, height)
    return replace(plain, media=media)


def test_a_region_is_asked_for_as_it_is() -> None:
    """From its beginning to a pixel behind its end."""
    asked = request(Region(1000, 2000, 3000, 4000))
    assert spans(asked, NO_QUIRKS) == {"x": (1, 4 + Fraction(1, 100)), "y": (2, 6 + Fraction(1, 100))}


@pytest.mark.parametrize(
    ("source", "quirks"),
    [
        (InputSource.PLATEN, Quirks(platen_offset_mm=Offset(25.4, -12.7), feeder_offset_mm=Offset(9.0, 9.0))),
        (InputSource.ADF, Quirks(feeder_offset_mm=Offset(25.4, -12.7), platen_offset_mm=Offset(9.0, 9.0))),
    ],
)
def test_an_offset_moves_it(source: InputSource, quirks: Quirks) -> None:
    """Each source has its own offset."""
    asked = request(Region(1000, 2000, 3000, 4000), source=source)
    found = spans(asked, quirks)
    assert float(found["x"][0]) == pytest.approx(2.0)
    assert float(found["y"][0]) == pytest.approx(1.5)


def test_the_mirror_image_on_the_sheet_is_scanned_too() -> None:
    """Where backs are turned the window holds the region from both ends of the sheet, and only for both sides."""
    asked = request(Region(1000, 2000, 3000, 4000), Size(8000, 11000))
    assert spans(asked, TURNED) == {"x": (1, 7 + Fraction(1, 100)), "y": (2, 9 + Fraction(1, 100))}
    one_side = replace(asked, source=InputSource.ADF)
    assert spans(one_side, TURNED) == spans(one_side, NO_QUIRKS)


@pytest.mark.parametrize(
    ("media", "length"), [(None, 4.01), (Size(8000, 11000), 8.0), (Size(2000, 2000), 4.01), (Size(4005, 1), 4.01)]
)
def test_the_sheet_is_at_least_what_is_scanned_of_it(media: Size | None, length: float) -> None:
    """A feeder is told the sheet's size, by which it centres it, and never less than the region takes."""
    assert paper_length(request(Region(1000, 2000, 3000, 4000), media), "x") == pytest.approx(length)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), early=st.booleans())
def test_turned_pixels_are_from_their_place(data: st.DataObject, early: bool) -> None:
    """However the window lies and wherever the sheet ends, a turned back shows just what was asked for."""
    sheet_x, sheet_y = data.draw(st.integers(20, 60)), data.draw(st.integers(20, 60))
    x, y = data.draw(st.integers(0, sheet_x - 1)), data.draw(st.integers(0, sheet_y - 1))
    width, height = data.draw(st.integers(1, sheet_x - x)), data.draw(st.integers(1, sheet_y - y))
    # All of these are pixels of 1/100 inch.
    asked = request(Region(x * 10, y * 10, width * 10, height * 10), Size(sheet_x * 10, sheet_y * 10))
    (begin_x, end_x), (begin_y, end_y) = (
        (int(begin * DPI), int(end * DPI)) for begin, end in spans(asked, TURNED).values()
    )
    begin_x -= data.draw(st.integers(0, min(2, begin_x)))
    # One that ends within EARLY_LINES of the window's end is taken for a driver's rounding.
    last_early = end_y - EARLY_LINES - 1
    assume(not early or begin_y < last_early)
    sheet_end = data.draw(st.integers(begin_y + 1, last_early)) if early else sheet_y

    # The scanner sees the back upside down: its first pixel is the sheet's last.
    def seen(column: int, row: int) -> int:
        upright = (sheet_x - 1 - column, sheet_end - 1 - row)
        return upright[0] + 7 * upright[1] if min(upright) >= 0 else 255

    lines = min(end_y, sheet_end) - begin_y if early else end_y - begin_y
    delivered = [seen(column, begin_y + row) % 251 for row in range(lines) for column in range(begin_x, end_x)]
    origin = (Fraction(begin_x, DPI), Fraction(begin_y, DPI))
    turned = TurnedSheet(
        asked, shift_of(asked, TURNED), origin, (Fraction(DPI), Fraction(DPI)), Fraction(end_y, DPI)
    )
    placement = turned.placement_of(end_x - begin_x, lines, Placement(asked.width, asked.height))
    placer = Placer(placement, end_x - begin_x, 1)
    blocks = [*placer.rows(bytes(reversed(delivered))), *placer.finish()]
    found = b"".join(bytes(block) for block in blocks)
    last = sheet_end - begin_y if early else 10**6
    for row in range(height):
        for column in range(width):
            place = (x + column, y + row)
            expected = (place[0] + 7 * place[1]) % 251 if place[1] < last else 255
            assert found[row * width + column] == expected, (place, sheet_end)
