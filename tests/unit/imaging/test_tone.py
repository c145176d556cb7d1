"""Brightness, contrast, gamma and paper white by one table."""

from __future__ import annotations

import sys
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.pixels import Frame, converter
from bridge.imaging.tone import EXPOSURE_RANGE, PLAIN, Tone, through_words
from bridge.scanner.model import ColorMode

TONES = st.builds(
    Tone,
    brightness=st.integers(-EXPOSURE_RANGE, EXPOSURE_RANGE),
    contrast=st.integers(-EXPOSURE_RANGE, EXPOSURE_RANGE),
    gamma=st.floats(0.2, 5.0),
    white=st.integers(128, 255),
)


def test_nothing_asked_for_changes_nothing() -> None:
    """The plain tone is the identity for 8 and for 16 bits."""
    assert PLAIN.plain
    assert PLAIN.bytes_table() == bytes(range(256))
    assert PLAIN.words_table() == array("H", range(65536))


@pytest.mark.conformance(148)
@pytest.mark.parametrize(
    ("tone", "levels"),
    [
        (Tone(brightness=1000), {0: 255, 128: 255}),
        (Tone(brightness=-1000), {128: 0, 255: 0}),
        (Tone(brightness=200), {0: 51, 100: 151, 204: 255, 255: 255}),
        (Tone(brightness=-200), {0: 0, 51: 0, 151: 100, 255: 204}),
        (Tone(contrast=1000), {0: 0, 127: 0, 128: 255, 255: 255}),
        (Tone(contrast=-1000), {0: 128, 77: 128, 255: 128}),
        (Tone(contrast=500), {0: 0, 64: 0, 191: 255, 255: 255}),
        (Tone(contrast=-500), {0: 75, 255: 180}),
        (Tone(white=230), {0: 0, 115: 128, 230: 255, 240: 255}),
        (Tone(gamma=2.0), {0: 0, 64: 128, 255: 255}),
        (Tone(gamma=0.5), {0: 0, 128: 64, 255: 255}),
    ],
)
def test_what_becomes_of_levels(tone: Tone, levels: dict[int, int]) -> None:
    """Plus lightens, contrast turns round the middle, white paper becomes white, gamma keeps both ends."""
    table = tone.bytes_table()
    assert {level: table[level] for level in levels} == levels
    wide = tone.words_table()
    for level, expected in levels.items():
        assert abs(wide[level * 257] / 257 - expected) <= 0.51


@settings(deadline=None, max_examples=50)
@given(tone=TONES)
def test_a_table_never_turns_lighter_into_darker(tone: Tone) -> None:
    """Every table rises from black to white, whatever is asked for."""
    table = tone.bytes_table()
    assert list(table) == sorted(table)


def test_samples_of_sixteen_bits() -> None:
    """Each word is replaced by its entry, in the machine's order."""
    data = b"".join(value.to_bytes(2, sys.byteorder) for value in (0, 1, 65535))
    table = array("H", [7, 300, *range(2, 65535), 9])
    expected = b"".join(value.to_bytes(2, sys.byteorder) for value in (7, 300, 9))
    assert through_words(data, table) == expected


def rows(shape: Frame, color: ColorMode, tone: Tone, data: bytes) -> bytes:
    return bytes(converter(shape, color, tone)(memoryview(data)))


@pytest.mark.parametrize("kind", ["gray", "color"])
def test_rows_go_through_the_table(kind: str) -> None:
    """Gray and colour of 8 and 16 bits change sample by sample, on their way to every depth."""
    tone = Tone(brightness=200)
    samples = bytes((0, 100, 255))
    channels = 3 if kind == "color" else 1
    width = 3 // channels
    shallow, deep = Frame(kind, True, width, 1, 8, 3), Frame(kind, True, width, 1, 16, 6)
    narrow = ColorMode.RGB_24 if channels == 3 else ColorMode.GRAYSCALE_8
    wide = ColorMode.RGB_48 if channels == 3 else ColorMode.GRAYSCALE_16
    doubled = bytes(value for sample in samples for value in (sample, sample))
    lightened = bytes((51, 151, 255))
    assert rows(shallow, narrow, tone, samples) == lightened
    assert rows(deep, narrow, tone, doubled) == lightened
    assert rows(shallow, wide, tone, samples) == bytes(value for level in lightened for value in (level, level))
    found = array("H", rows(deep, wide, tone, doubled))
    assert [round(value / 257) for value in found] == list(lightened)


def test_black_and_white_is_made_of_lightened_grays() -> None:
    """What is lightened above the middle is white; lineart has no grays and stays."""
    gray = Frame("gray", True, 4, 1, 8, 4)
    line = Frame("gray", True, 4, 1, 1, 1)
    levels = bytes((60, 90, 127, 128))
    two = ColorMode.BLACK_AND_WHITE_1
    assert rows(gray, two, PLAIN, levels) == b"\0\0\0\xff"
    assert rows(gray, two, Tone(brightness=200), levels) == b"\0\xff\xff\xff"
    assert rows(line, two, Tone(brightness=1000), b"\xa0") == b"\0\xff\0\xff"
