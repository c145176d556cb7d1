"""Lengths made to fit the bed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import ConflictingParameters
from bridge.wsscan.area import ROUNDING, Span, fit_length, fit_span

LEAST, MOST = 100, 8500


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, (8500, False)),
        (0, (8500, False)),
        (4000, (4000, False)),
        (8500, (8500, False)),
        (8501, (8500, True)),
        (8500 + ROUNDING, (8500, True)),
        (8501 + ROUNDING, (8500, False)),
        (99, (100, False)),
        (-5, (100, False)),
    ],
)
def test_lengths_of_paper(wanted: int | None, expected: tuple[int, bool]) -> None:
    """Paper is at most as long as the bed and at least as long as the scanner takes; a pixel more is rounding."""
    assert fit_length(wanted, LEAST, MOST) == expected


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (None, None, Span(0, 5000)),
        (1000, None, Span(1000, 5000)),
        (4000, None, Span(4000, 4500)),
        (1000, 2000, Span(1000, 2000)),
        (0, 8500, Span(0, 8500)),
        (0, 8503, Span(0, 8500, rounded=True)),
        (3, 8500, Span(3, 8497, rounded=True)),
        (1000, 8000, Span(1000, 7500)),
        (1000, 0, Span(1000, 7500)),
        (1000, 9000, Span(1000, 7500)),
        (8500, 1000, Span(0, 1000, outside=True)),
        (9999, 9999, Span(0, 8500, outside=True)),
        (-5, 1000, Span(0, 1000)),
        (0, 50, Span(0, 100)),
        (8490, 50, Span(8400, 100)),
        (8490, 20, Span(8400, 100)),
        (5, 0, Span(5, 8495)),
    ],
)
@pytest.mark.conformance(157)
def test_spans(offset: int | None, length: int | None, expected: Span) -> None:
    """A stretch stays on the bed: what sticks out is cut, what is too short grows, zero means the rest."""
    assert fit_span(offset, length, 5000, LEAST, MOST) == expected


def test_the_smallest_length_is_a_length() -> None:
    """One thousandth is not nothing: only 0 asks for the rest."""
    assert fit_span(10, 1, 5000, 1, MOST) == Span(10, 1)


def test_a_length_that_must_be_kept_moves() -> None:
    """When only the length must be kept, the offset gives way."""
    assert fit_span(1000, 8000, MOST, LEAST, MOST, keep_length=True) == Span(500, 8000)


def test_an_offset_that_must_be_kept_stays() -> None:
    """When only the offset must be kept, the length gives way."""
    assert fit_span(1000, 8000, MOST, LEAST, MOST, keep_offset=True) == Span(1000, 7500)


@pytest.mark.conformance(169)
def test_offset_and_length_may_exclude_each_other() -> None:
    """Offset and length that must both be kept, and each could be, are in conflict when they leave the bed together."""
    with pytest.raises(ConflictingParameters):
        fit_span(1000, 8000, MOST, LEAST, MOST, keep_offset=True, keep_length=True)


def test_rounding_is_no_conflict() -> None:
    """A pixel too much is cut off even when everything must be kept: applications round."""
    span = fit_span(4, 8500, MOST, LEAST, MOST, keep_offset=True, keep_length=True)
    assert span == Span(4, 8496, rounded=True)


@given(
    offset=st.none() | st.integers(-20, 20000),
    length=st.none() | st.integers(-20, 20000),
    default=st.integers(1, 20000),
    least=st.integers(1, 3000),
    most=st.integers(1, 20000),
    keep_length=st.booleans(),
)
@settings(deadline=None)
def test_spans_are_on_the_bed_and_stay(
    offset: int | None, length: int | None, default: int, least: int, most: int, keep_length: bool
) -> None:
    """Whatever is wanted, the stretch lies on the bed, is not too short, and asked for again it is the same."""
    span = fit_span(offset, length, default, least, most, keep_length=keep_length)
    assert span.offset >= 0
    assert span.end <= most
    assert span.length >= min(least, most)
    again = fit_span(span.offset, span.length, default, least, most, keep_offset=True, keep_length=True)
    assert again == Span(span.offset, span.length)
