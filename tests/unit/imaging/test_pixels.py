"""Frames of every shape that scanners deliver, turned into gray or colour bytes."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.bits import expand, pack
from bridge.imaging.encoder import ImagingError
from bridge.imaging.pixels import MAX_STRIDE, Frame, converter, pixel_bytes
from bridge.scanner.model import ColorMode

GRAY, COLOR = ColorMode.GRAYSCALE_8, ColorMode.RGB_24


def frame(kind: str, width: int, depth: int, padding: int = 0) -> Frame:
    shape = Frame(kind, True, width, -1, depth, 0)
    return Frame(kind, True, width, -1, depth, shape.packed + padding)


def convert(shape: Frame, color: ColorMode, data: bytes) -> bytes:
    return bytes(converter(shape, color)(memoryview(data)))


def test_plain_rows_pass_through_uncopied() -> None:
    """Rows that are already what the file holds are not touched."""
    view = memoryview(bytes(12))
    assert converter(frame("color", 2, 8), COLOR)(view) is view
    assert converter(frame("gray", 3, 8), GRAY)(view) is view


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(st.booleans(), min_size=13, max_size=13), min_size=1, max_size=5),
    extra=st.integers(0, 3),
)
def test_lineart_becomes_gray_with_black_zero(rows: list[list[bool]], extra: int) -> None:
    """SANE's 1 is black, leftmost pixel in the highest bit; in the file black is 0 and white 255."""
    shape = frame("gray", 13, 1, extra)
    packed = b""
    for row in rows:
        bits = "".join("1" if black else "0" for black in row).ljust(16, "1")
        packed += int(bits, 2).to_bytes(2, "big") + b"\xaa" * extra
    assert convert(shape, GRAY, packed) == bytes(0 if black else 255 for row in rows for black in row)


def test_lineart_of_whole_bytes_becomes_gray() -> None:
    """Without bits left over the result is the same."""
    assert convert(frame("gray", 8, 1), GRAY, b"\xa0\xff") == bytes([0, 255, 0, 255, 255, 255, 255, 255]) + bytes(8)


@settings(deadline=None)
@given(samples=st.lists(st.integers(0, 65535), min_size=6, max_size=6))
def test_sixteen_bits_keep_their_high_byte(samples: list[int]) -> None:
    """Of 16-bit samples in the machine's order the high byte stays."""
    data = b"".join(sample.to_bytes(2, sys.byteorder) for sample in samples)
    high = bytes(sample >> 8 for sample in samples)
    assert convert(frame("color", 2, 16), COLOR, data) == high
    assert convert(frame("gray", 3, 16), GRAY, data) == high


def test_padding_at_the_end_of_rows_is_dropped() -> None:
    """A row's bytes beyond its pixels never reach the picture."""
    assert convert(frame("gray", 3, 8, 2), GRAY, b"abc##def##") == b"abcdef"
    assert convert(frame("color", 1, 8, 1), COLOR, b"abc#def#") == b"abcdef"


def test_colour_becomes_gray_by_luma() -> None:
    """A gray file from a colour scanner weighs green most and blue least; white and black stay."""
    pixels = bytes([255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    white, black, red, green, blue = convert(frame("color", 5, 8), GRAY, pixels)
    assert (white, black) == (255, 0)
    assert [red, green, blue] == [76, 150, 29]


def test_gray_becomes_colour_by_repetition() -> None:
    """A colour file from a gray scanner has three equal channels."""
    assert convert(frame("gray", 2, 8), COLOR, b"\x10\x20") == b"\x10\x10\x10\x20\x20\x20"
    assert convert(frame("gray", 8, 1), COLOR, b"\x80") == bytes(3) + b"\xff" * 21


@pytest.mark.parametrize(
    "shape",
    [
        Frame("unknown format", True, 10, 10, 8, 30),
        Frame("red", False, 10, 10, 8, 10),
        Frame("color", True, 16, 10, 1, 6),
        Frame("gray", True, 10, 10, 12, 20),
        Frame("gray", True, 10, 10, 0, 20),
        Frame("gray", True, 0, 10, 8, 0),
        Frame("gray", True, -5, 10, 8, 10),
        Frame("gray", True, 10, 10, 8, 9),
        Frame("gray", True, 10, 10, 8, MAX_STRIDE + 1),
        Frame("gray", True, 2**31, 10, 8, 2**31),
    ],
)
def test_impossible_frames_are_refused(shape: Frame) -> None:
    """What a driver says about its frames is checked before a byte is read by it."""
    with pytest.raises(ImagingError):
        converter(shape, GRAY)


def native(*samples: int) -> bytes:
    return b"".join(sample.to_bytes(2, sys.byteorder) for sample in samples)


def test_sixteen_bits_pass_through_uncopied() -> None:
    """Samples of 16 bits stay as the machine has them where the file can hold them."""
    view = memoryview(bytes(12))
    assert converter(frame("color", 2, 16), ColorMode.RGB_48)(view) is view
    assert converter(frame("gray", 6, 16), ColorMode.GRAYSCALE_16)(view) is view


@pytest.mark.parametrize(
    ("kind", "depth", "color", "data", "expected"),
    [
        ("gray", 8, ColorMode.GRAYSCALE_16, b"\x00\x12\xff", native(0, 0x1212, 0xFFFF)),
        ("gray", 1, ColorMode.GRAYSCALE_16, b"\xa0", native(0, 0xFFFF, 0)),
        ("gray", 8, ColorMode.RGB_48, b"\x12\xff", native(0x1212, 0x1212, 0x1212, 0xFFFF, 0xFFFF, 0xFFFF)),
        ("gray", 16, ColorMode.RGB_48, native(0x1234, 0xFEDC), native(*[0x1234] * 3, *[0xFEDC] * 3)),
        ("color", 16, ColorMode.GRAYSCALE_16, native(*[0xFFFF] * 3, *[0] * 3), native(0xFFFF, 0)),
        ("color", 8, ColorMode.RGB_48, b"\x01\x02\x03", native(0x0101, 0x0202, 0x0303)),
        ("gray", 16, ColorMode.BLACK_AND_WHITE_1, native(0x7FFF, 0x8000), b"\x00\xff"),
        ("color", 8, ColorMode.BLACK_AND_WHITE_1, b"\xff\xff\xff\x10\x20\x30", b"\xff\x00"),
    ],
)
def test_depths_that_a_driver_changes_unasked(
    kind: str, depth: int, color: ColorMode, data: bytes, expected: bytes
) -> None:
    """Whatever depth comes, the rows are as deep as the file, black stays black and white white."""
    width = len(expected) // pixel_bytes(color)
    assert convert(frame(kind, width, depth), color, data) == expected


@pytest.mark.conformance(209)
def test_gray_becomes_black_and_white_at_the_middle() -> None:
    """What is darker than half is black, the rest white; there is no dithering, and lineart stays as it is."""
    levels = bytes(range(256))
    expected = bytes(128) + b"\xff" * 128
    assert convert(frame("gray", 256, 8), ColorMode.BLACK_AND_WHITE_1, levels) == expected
    assert convert(frame("gray", 4, 1), ColorMode.BLACK_AND_WHITE_1, b"\xa0") == b"\x00\xff\x00\xff"


@settings(deadline=None)
@given(
    rows=st.lists(st.lists(st.booleans(), min_size=1, max_size=40), min_size=1, max_size=4),
    width=st.integers(1, 40),
)
def test_bits_and_bytes_are_the_same_picture(rows: list[list[bool]], width: int) -> None:
    """Expanded lineart, packed again, is the same with 0 for black; bits beyond the row are cleared."""
    lines = [(row * width)[:width] for row in rows]
    texts = ["".join("1" if black else "0" for black in line) for line in lines]
    packed = (width + 7) // 8
    data = b"".join(int(text.ljust(packed * 8, "1"), 2).to_bytes(packed, "big") for text in texts)
    wide = expand(memoryview(data), width)
    assert wide == bytes(0 if black else 255 for line in lines for black in line)
    inverted = [int(text.translate({48: "1", 49: "0"}).ljust(packed * 8, "0"), 2) for text in texts]
    assert pack(memoryview(wide), width) == b"".join(number.to_bytes(packed, "big") for number in inverted)
    assert expand(b"", width) == pack(b"", width) == b""
