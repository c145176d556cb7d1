"""Bitmaps, bottom row first, in netpbm's, ImageMagick's and Pillow's eyes."""

from __future__ import annotations

import pytest

from bridge.imaging.dib import DibEncoder
from bridge.imaging.encoder import ImagingError
from bridge.imaging.formats import FORMAT_COLORS, dib_row_bytes, fits, spool_bytes
from bridge.scanner.model import ColorMode, Format, InputSource, Resolution
from tests.unit.imaging.files import (
    SIZES,
    by_pillow,
    encode,
    expected,
    page_of,
    pixels_of,
    read_pnm,
    run,
)

COLORS = [ColorMode.RGB_24, ColorMode.GRAYSCALE_8, ColorMode.BLACK_AND_WHITE_1]
HEADERS = 54


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_pixel_survives(color: ColorMode, size: tuple[int, int]) -> None:
    """netpbm and Pillow decode exactly the pixels that went in, whatever the colour and size."""
    page = page_of(size, color)
    data = pixels_of(page)
    file = encode(DibEncoder(page), page, data)
    assert by_pillow(file) == [expected(page, data)]
    kind = {1: "pgm" if color.depth == 8 else "pbm", 3: "ppm"}[color.channels]
    assert read_pnm(run("convert", "bmp:-", f"{kind}:-", input=file)) == [expected(page, data)]


@pytest.mark.parametrize("color", COLORS)
def test_the_headers_tell_the_truth(color: ColorMode) -> None:
    """File size, start of the pixels, size, depth and resolution stand where they belong; the height is positive."""
    page = page_of((250, 129), color, resolution=Resolution(300, 600))
    file = encode(DibEncoder(page), page, pixels_of(page))

    def number(at: int, length: int = 4) -> int:
        return int.from_bytes(file[at : at + length], "little", signed=True)

    palette = {24: 0, 8: 256, 1: 2}[color.bits_per_pixel]
    assert file[:2] == b"BM"
    assert number(2) == len(file)
    assert number(10) == HEADERS + 4 * palette
    assert (number(14), number(18), number(22)) == (40, 250, 129)
    assert (number(26, 2), number(28, 2), number(30)) == (1, color.bits_per_pixel, 0)
    assert number(34) == len(file) - number(10) == dib_row_bytes(250, color) * 129
    assert (number(38), number(42), number(46)) == (11811, 23622, palette)


def test_one_bit_has_black_and_white() -> None:
    """The palette of one bit says that 0 is black and 1 is white."""
    file = encode(DibEncoder(page_of((1, 1), COLORS[2])), page_of((1, 1), COLORS[2]), b"\x80")
    assert file[HEADERS : HEADERS + 8] == b"\0\0\0\0\xff\xff\xff\0"


def test_the_file_header_can_be_left_out() -> None:
    """With the switch off the same bitmap comes without its first 14 bytes."""
    page, bare = (page_of((17, 33), ColorMode.RGB_24, file_header=header) for header in (True, False))
    data = pixels_of(page)
    assert encode(DibEncoder(bare), bare, data) == encode(DibEncoder(page), page, data)[14:]


def test_a_large_page_waits_on_disk() -> None:
    """A page that is longer than what is held in memory comes back whole, and in blocks."""
    page = page_of((1000, 1500), ColorMode.RGB_24)
    row = bytes(range(250)) * 12
    data = b"".join(row[number % 250 :] + row[: number % 250] for number in range(page.height))
    encoder = DibEncoder(page)
    header = bytes(encoder.begin())
    assert encoder.rows(data) == b""
    blocks = list(encoder.end())
    assert len(blocks) > 4
    assert by_pillow(header + b"".join(blocks)) == [expected(page, data)]


def test_what_may_be_kept_bounds_the_size() -> None:
    """A page fits as long as all of it may be kept, to the byte."""
    needed = spool_bytes(Format.DIB, ColorMode.RGB_24, 101, 50)
    assert needed == 304 * 50
    assert fits(InputSource.PLATEN, Format.DIB, ColorMode.RGB_24, 101, 50, spool_limit=needed)
    assert not fits(InputSource.PLATEN, Format.DIB, ColorMode.RGB_24, 101, 50, spool_limit=needed - 1)
    assert fits(InputSource.PLATEN, Format.PNG, ColorMode.RGB_24, 101, 50, spool_limit=0)
    assert Format.DIB in FORMAT_COLORS


def test_impossible_pages_are_refused() -> None:
    """More bytes than a bitmap counts, missing rows and a second page are errors."""
    with pytest.raises(ImagingError, match="4 GiB"):
        DibEncoder(page_of((65535, 65535), ColorMode.RGB_24))
    encoder = DibEncoder(page_of((4, 4), ColorMode.GRAYSCALE_8))
    with pytest.raises(ImagingError, match="4 rows"):
        encoder.end()
    with pytest.raises(ImagingError, match="one page"):
        encoder.next_page()
