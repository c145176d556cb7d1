"""PNG files: the pixels in libpng's, Pillow's and ImageMagick's eyes, and the chunks in pngcheck's."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from bridge.imaging.encoder import ImagingError
from bridge.imaging.png import MAX_PNG_SIDE, STRIP_BYTES, PngEncoder
from bridge.imaging.rowfilter import GOOD_ENOUGH, TRIAL_INTERVAL, UP, RowFilter
from bridge.scanner.model import ColorMode, Resolution
from tests.unit.imaging.files import (
    SIZES,
    by_pillow,
    encode,
    expected,
    page_of,
    pixels_of,
    read_pnm,
    run,
    run_on_file,
)

COLORS = list(ColorMode)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents of the chunks."""
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">L", png[at : at + 4])
        found.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("strip_rows", [1, 4, None])
def test_every_pixel_survives(color: ColorMode, size: tuple[int, int], strip_rows: int | None) -> None:
    """libpng decodes exactly the pixels that went in, whatever the colour, size and strip."""
    page = page_of(size, color)
    data = pixels_of(page)
    png = encode(PngEncoder(page, strip_rows), page, data)
    assert read_pnm(run("pngtopnm", input=png)) == [expected(page, data)]


@pytest.mark.parametrize("color", [color for color in COLORS if color is not ColorMode.RGB_48])
def test_other_decoders_see_the_same(color: ColorMode) -> None:
    """Pillow decodes the same pixels; its reader is not libpng."""
    page = page_of((250, 129), color)
    data = pixels_of(page)
    assert by_pillow(encode(PngEncoder(page), page, data)) == [expected(page, data)]


def test_sixteen_bits_of_colour_in_another_decoder() -> None:
    """ImageMagick decodes 48-bit colour to the same samples; Pillow cannot."""
    page = page_of((250, 129), ColorMode.RGB_48)
    data = pixels_of(page)
    png = encode(PngEncoder(page), page, data)
    assert read_pnm(run("convert", "png:-", "-depth", "16", "ppm:-", input=png)) == [expected(page, data)]


@pytest.mark.parametrize("color", COLORS)
def test_the_chunks_are_in_order(color: ColorMode) -> None:
    """pngcheck finds nothing wrong, the resolution is told, and the data come as several chunks."""
    page = page_of((250, 129), color, resolution=Resolution(300, 600))
    png = encode(PngEncoder(page, 8), page, pixels_of(page))
    told = run_on_file("pngcheck", "-v", "{}", input=png).decode()
    assert "No errors detected" in told
    assert "11811x23622 pixels/meter" in told
    names = [name for name, _ in chunks(png)]
    assert names[:2] == [b"IHDR", b"pHYs"]
    assert names[-1] == b"IEND"
    assert set(names[2:-1]) == {b"IDAT"}
    assert len(names) > 4


def test_data_leave_while_the_page_is_scanned() -> None:
    """The header is there before any row, and compressed data before the last."""
    page = page_of((1000, 2000), ColorMode.RGB_24)
    encoder = PngEncoder(page)
    assert encoder.begin().startswith(b"\x89PNG")
    noise = random.Random(0).randbytes(page.row_bytes * 1000)
    assert len(encoder.rows(noise)) > len(noise) // 2


def test_text_stays_small() -> None:
    """A page of dark strokes on white shrinks to less than a quarter."""
    page = page_of((2480, 700), ColorMode.RGB_24)
    source = random.Random(1)
    rows = []
    for _ in range(14):
        strokes = bytearray(b"\xff" * page.row_bytes)
        for _ in range(150):
            at = source.randrange(page.width - 12) * 3
            strokes[at : at + 30] = bytes(source.choices(range(10, 240, 7), k=30))
        rows += [bytes(strokes) if number % 50 < 30 else b"\xff" * page.row_bytes for number in range(50)]
    png = encode(PngEncoder(page), page, b"".join(rows), rows_at_once=50)
    assert len(png) < page.row_bytes * page.height // 4


def photo(rows: int, row_bytes: int) -> bytes:
    """Ramps with noise, as photos have them."""
    source = random.Random(2)
    return bytes((at * 3 + row // 3 + source.randrange(5)) & 0xFF for row in range(rows) for at in range(row_bytes))


def test_photos_are_filtered() -> None:
    """Where a filter makes a strip smaller it is used, and the file is smaller than its pixels merely compressed."""
    page = page_of((300, 200), ColorMode.RGB_24)
    data = photo(page.height, page.row_bytes)
    png = encode(PngEncoder(page), page, data)
    rows = zlib.decompress(b"".join(content for name, content in chunks(png) if name == b"IDAT"))
    assert set(rows[:: page.row_bytes + 1]) == {UP}
    assert len(png) < 0.8 * len(zlib.compress(data, 1))
    assert read_pnm(run("pngtopnm", input=png)) == [expected(page, data)]


def test_the_filter_follows_the_page() -> None:
    """What suits the top of a page is tried again further down."""
    stride = 301
    filter_ = RowFilter(stride - 1)

    def used(rows: bytes) -> int:
        strip = bytearray(stride * 9)
        for row in range(8):
            strip[(row + 1) * stride + 1 : (row + 2) * stride] = rows[row * 300 : row * 300 + 300]
        return bytes(filter_.apply(strip, 8))[0]

    assert used(b"\xff" * 2400) == 0
    kinds = [used(photo(8, 300)) for _ in range(TRIAL_INTERVAL)]
    assert kinds == [0] * (TRIAL_INTERVAL - 1) + [UP]
    assert 0 < GOOD_ENOUGH < 1


def test_strips_are_bounded() -> None:
    """A strip holds about STRIP_BYTES, and one row at least."""
    wide = page_of((10**6, 2), ColorMode.RGB_48)
    data = bytes(wide.row_bytes)
    encoder = PngEncoder(wide)
    encoder.begin()
    assert len(data) > STRIP_BYTES
    encoder.rows(data)
    encoder.rows(data)
    assert list(encoder.end())[-1][4:8] == b"IEND"


def test_impossible_pages_are_refused() -> None:
    """Sides that PNG cannot count, missing and surplus rows, and a second page are errors."""
    with pytest.raises(ImagingError, match="not possible"):
        PngEncoder(page_of((MAX_PNG_SIDE + 1, 1), ColorMode.GRAYSCALE_8))
    encoder = PngEncoder(page_of((4, 4), ColorMode.GRAYSCALE_8))
    encoder.rows(bytes(8))
    with pytest.raises(ImagingError, match="2 rows"):
        encoder.end()
    with pytest.raises(ImagingError, match="More rows"):
        encoder.rows(bytes(12))
    with pytest.raises(ImagingError, match="whole rows"):
        encoder.rows(bytes(3))
    with pytest.raises(ImagingError, match="one page"):
        encoder.next_page()


def test_any_resolution_is_told() -> None:
    """Pixels per inch become pixels per metre, rounded."""
    page = page_of((1, 1), ColorMode.GRAYSCALE_8, resolution=Resolution(300, 600))
    assert page.per_metre == (11811, 23622)
    assert type(page)(1, 1, ColorMode.GRAYSCALE_8, Resolution(1, 1200)).per_metre == (39, 47244)
