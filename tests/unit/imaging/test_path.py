"""The way of rows from frame to encoder; for pixels of one bit, that the short way gives what the pixels say."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.geometry import Placement
from bridge.imaging.path import row_path
from bridge.imaging.pixels import Frame
from bridge.scanner.model import ColorMode

QUARTERS = st.integers(-80, 80).map(lambda quarters: Fraction(quarters, 4))


def expected(data: bytes, frame: Frame, place: Placement) -> bytes:
    """Packed rows made pixel by pixel: 0 is black, what lies outside is white, unused bits are 0."""
    rows = []
    for y in range(place.height):
        source_y = place.row(y)
        bits = 0
        for x in range(place.width):
            source_x = place.column(x)
            black = False
            if 0 <= source_y < frame.lines and 0 <= source_x < frame.width:
                black = bool(data[source_y * frame.stride + source_x // 8] >> (7 - source_x % 8) & 1)
            bits = bits << 1 | (not black)
        unused = -place.width % 8
        rows.append((bits << unused).to_bytes((place.width + 7) // 8, "big"))
    return b"".join(rows)


@st.composite
def lineart(draw: st.DrawFn) -> tuple[Frame, bytes, Placement, int]:
    """A page of lineart, where a promised page lies in it, and how many rows come at once."""
    width, lines = draw(st.integers(1, 70)), draw(st.integers(1, 12))
    padding = draw(st.integers(0, 2))
    frame = Frame("gray", True, width, lines, 1, (width + 7) // 8 + padding)
    data = draw(st.binary(min_size=frame.stride * lines, max_size=frame.stride * lines))
    inside = draw(st.booleans())
    left = Fraction(draw(st.integers(0, width - 1))) if inside else draw(QUARTERS)
    wanted = draw(st.integers(1, width - int(left))) if inside else draw(st.integers(1, 70))
    place = Placement(wanted, draw(st.integers(1, 14)), left, draw(QUARTERS))
    return frame, data, place, draw(st.integers(1, 5))


@settings(max_examples=400, deadline=None)
@given(lineart())
def test_lineart_comes_out_bit_for_bit(page: tuple[Frame, bytes, Placement, int]) -> None:
    """Inside the page, beside it and across its edges, with padding and in pieces of any size."""
    frame, data, place, at_once = page
    path = row_path(frame, ColorMode.BLACK_AND_WHITE_1, place)
    out = b""
    step = at_once * frame.stride
    for start in range(0, len(data), step):
        out += b"".join(bytes(rows) for rows in path.rows(memoryview(data)[start : start + step]))
    out += b"".join(bytes(rows) for rows in path.finish())
    assert out == expected(data, frame, place)
