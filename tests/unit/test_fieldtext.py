"""Text fit for metadata fields."""

from __future__ import annotations

import pytest

from bridge.fieldtext import MAX_FIELD, cut, field_text, framed, units


@pytest.mark.conformance(99)
def test_long_text_is_cut_to_the_limit() -> None:
    """Text beyond 255 units is cut, not refused."""
    assert field_text("m" * 300) == "m" * MAX_FIELD


def test_text_at_the_limit_stays() -> None:
    """Exactly 255 units are allowed."""
    assert field_text("m" * MAX_FIELD) == "m" * MAX_FIELD


@pytest.mark.conformance(99)
@pytest.mark.parametrize("prefix", ["", "m"])
def test_cutting_never_splits_a_character(prefix: str) -> None:
    """A character outside the basic plane counts as two units, as Windows counts, and stays whole or goes."""
    text = field_text(prefix + "\U0001f5a8" * 200)
    assert units(text) == 254 + len(prefix)
    assert set(text) <= {"m", "\U0001f5a8"}


@pytest.mark.parametrize("limit", range(8))
def test_cut_gives_the_longest_beginning(limit: int) -> None:
    """Cutting takes away no more than it must."""
    text = "a\U0001f5a8b\U0001f5a8"
    longest = max((text[:end] for end in range(5) if units(text[:end]) <= limit), key=len)
    assert cut(text, limit) == longest


def test_what_xml_cannot_hold_is_removed() -> None:
    """Control characters, lone surrogates and non-characters from a USB descriptor become a blank at most."""
    assert field_text(" Scan\x00\x1bJet\udcff\ufffe\n 5 ") == "Scan Jet 5"


def test_the_tail_survives_a_long_text() -> None:
    """The end that tells two hosts apart is kept whole while the text before it is cut."""
    framed_text = framed("m" * 300, " (host)")
    assert framed_text == "m" * (MAX_FIELD - 7) + " (host)"


def test_an_endless_tail_is_cut_too() -> None:
    """Not even the tail may cross the limit."""
    assert units(framed("model", " (" + "h" * 400 + ")")) == MAX_FIELD
