"""Delivered rows become exactly the promised rows, from the right place, in bounded memory."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.encoder import ImagingError
from bridge.imaging.geometry import BLOCK_BYTES, WHITE, Placement, Placer

FRACTIONS = st.fractions(-12, 12, max_denominator=50)
STEPS = st.one_of(st.just(Fraction(1)), st.fractions(Fraction(1, 5), 5, max_denominator=40))


def delivered(width: int, height: int, channels: int) -> list[bytes]:
    """Rows in which every sample tells its row, column and channel apart from its neighbours."""
    return [
        bytes((17 * x + 91 * y + 53 * channel) % 251 for x in range(width) for channel in range(channels))
        for y in range(height)
    ]


def expected(placement: Placement, rows: list[bytes], width: int, channels: int) -> bytes:
    """The promised picture, pixel by pixel, straight from the rule in Placement's docstring."""
    picture = b""
    for y in range(placement.height):
        source_y = math.floor((y + Fraction(1, 2)) * placement.step_y + placement.top)
        for x in range(placement.width):
            source_x = math.floor((x + Fraction(1, 2)) * placement.step_x + placement.left)
            if 0 <= source_y < len(rows) and 0 <= source_x < width:
                picture += rows[source_y][source_x * channels : (source_x + 1) * channels]
            else:
                picture += bytes((WHITE,)) * channels
    return picture


def placed(placement: Placement, rows: list[bytes], width: int, channels: int, at_once: int) -> bytes:
    """What the Placer makes of it, given `at_once` rows at a time."""
    placer = Placer(placement, width, channels)
    parts = []
    for start in range(0, len(rows), at_once):
        parts += [bytes(block) for block in placer.rows(b"".join(rows[start : start + at_once]))]
    parts += [bytes(block) for block in placer.finish()]
    assert placer.complete
    return b"".join(parts)


@pytest.mark.conformance(195)
@settings(deadline=None)
@given(
    width=st.integers(1, 12),
    height=st.integers(0, 12),
    channels=st.sampled_from([1, 2, 3, 6]),
    promised=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    left=FRACTIONS,
    top=FRACTIONS,
    step_x=STEPS,
    step_y=STEPS,
    at_once=st.integers(1, 5),
)
def test_every_promised_pixel_is_the_right_one(
    width: int,
    height: int,
    channels: int,
    promised: tuple[int, int],
    left: Fraction,
    top: Fraction,
    step_x: Fraction,
    step_y: Fraction,
    at_once: int,
) -> None:
    """Whatever is delivered, the result has the promised size, each pixel from under its middle, else white."""
    placement = Placement(*promised, left, top, step_x, step_y)
    rows = delivered(width, height, channels)
    assert placed(placement, rows, width, channels, at_once) == expected(placement, rows, width, channels)


def test_rows_that_fit_pass_through_uncopied() -> None:
    """Where the scanner delivers what was promised, its rows are handed on as they lie in the buffer."""
    data = bytes(range(60))
    (block,) = Placer(Placement(5, 9), 5, 3).rows(data)
    assert isinstance(block, memoryview)
    assert block.obj is data
    assert block == data[:60]


def test_missing_lines_are_white_and_surplus_lines_are_dropped() -> None:
    """A page shorter than promised is padded at its end; a longer one is cut (checklist 195)."""
    short = placed(Placement(2, 4), [b"\0\0", b"\1\1"], 2, 1, 2)
    assert short == b"\0\0\1\1\xff\xff\xff\xff"
    assert placed(Placement(2, 1), [b"\0\0", b"\1\1", b"\2\2"], 2, 1, 2) == b"\0\0"


def test_a_page_without_a_line_is_white() -> None:
    """With nothing delivered the whole promise is white."""
    assert placed(Placement(3, 2), [], 7, 3, 1) == b"\xff" * 18


@settings(deadline=None, max_examples=25)
@given(
    source=st.integers(1, 100),
    width=st.sampled_from([1, 2, 1000, 65535]),
    step_x=STEPS,
    step_y=STEPS,
    left=FRACTIONS,
)
def test_no_step_makes_more_than_a_block(
    source: int, width: int, step_x: Fraction, step_y: Fraction, left: Fraction
) -> None:
    """However wide the promise and however few pixels come, rows are made in blocks of bounded size."""
    placement = Placement(width, 400, left, Fraction(-3), step_x, step_y)
    placer = Placer(placement, source, 3)
    limit = max(BLOCK_BYTES, width * 3)
    made = 0
    for blocks in (placer.rows(bytes(source * 3 * 100)), placer.finish()):
        for block in blocks:
            assert len(block) <= limit
            assert len(block) % (width * 3) == 0
            made += len(block) // (width * 3)
    assert made == 400


def test_broken_rows_are_refused() -> None:
    """Bytes that are no whole rows are an error, not a skewed picture."""
    with pytest.raises(ImagingError, match="whole rows"):
        list(Placer(Placement(3, 3), 5, 3).rows(bytes(16)))
