"""Group 4: strips that join seamlessly, read by a decoder of our own and by libtiff, and TIFF files of them."""

from __future__ import annotations

import io
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bridge.imaging.encoder import ImagingError, Page
from bridge.imaging.fax import FaxCoder, only_strip
from bridge.imaging.formats import fits, spool_bytes
from bridge.imaging.tiff_g4 import MultiTiffG4Encoder, SingleTiffG4Encoder
from bridge.scanner.model import ColorMode, Format, InputSource, Resolution
from tests.unit.imaging.fax_decoder import decode
from tests.unit.imaging.files import (
    SIZES,
    by_pillow,
    clean,
    encode,
    expected,
    page_of,
    pixels_of,
    read_pnm,
    run_on_file,
)

LINES = ColorMode.BLACK_AND_WHITE_1
INVERTED = bytes(255 - value for value in range(256))


def coded(page: Page, data: bytes, black: int = 1, strip_rows: int | None = None) -> bytes:
    coder = FaxCoder(page, black, strip_rows)
    half = page.height // 2 * page.row_bytes
    return coder.rows(data[:half]) + coder.rows(data[half:]) + coder.end()


def text_like(page: Page, seed: int = 0) -> bytes:
    """Rows of which most are like the one above them but for a few changes."""
    source = random.Random(seed)
    row = bytearray(source.choices((0xFF, 0xE1, 0x0F), (12, 2, 1), k=page.row_bytes))
    rows = []
    for _ in range(page.height):
        for _ in range(source.randrange(3)):
            row[source.randrange(page.row_bytes)] ^= 1 << source.randrange(8)
        rows.append(clean(bytes(row), page))
    return b"".join(rows)


@pytest.mark.parametrize("size", [*SIZES, (2700, 8), (64, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("strip_rows", [1, 3, None])
@pytest.mark.parametrize("black", [0, 1])
def test_our_own_decoder_sees_every_pixel(size: tuple[int, int], strip_rows: int | None, black: int) -> None:
    """What is coded in strips is one picture by T.6, with the bit that was asked for as its black."""
    page = page_of(size, LINES)
    for data in (pixels_of(page), text_like(page)):
        rows = decode(coded(page, data, black, strip_rows), page.width)
        if not black:
            rows = b"".join(
                clean(rows[at : at + page.row_bytes].translate(INVERTED), page)
                for at in range(0, len(rows), page.row_bytes)
            )
        assert rows == data


@settings(deadline=None, max_examples=40)
@given(
    width=st.integers(1, 70),
    rows=st.lists(st.integers(0, 2**70 - 1), min_size=1, max_size=12),
    strip=st.integers(1, 12),
)
def test_strips_join_to_the_same_bits(width: int, rows: list[int], strip: int) -> None:
    """The strips' code is, bit for bit, the code of the page coded at once."""
    page = page_of((width, len(rows)), LINES)
    data = b"".join(clean((row % 2**width).to_bytes(9, "big")[-page.row_bytes :], page) for row in rows)
    assert coded(page, data, strip_rows=strip) == coded(page, data, strip_rows=len(rows))


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_pixel_survives_in_a_file(size: tuple[int, int]) -> None:
    """libtiff decodes the page of a TIFF file to the pixels that went in."""
    page = page_of(size, LINES)
    data = pixels_of(page)
    file = encode(SingleTiffG4Encoder(page), page, data)
    assert read_pnm(run_on_file("tifftopnm", "-byrow", "-quiet", "{}", input=file)) == [expected(page, data)]
    assert decode(only_strip(file), page.width) == data


@pytest.mark.parametrize("pages", [1, 2, 5])
def test_pages_stay_apart_and_in_order(pages: int) -> None:
    """Each page of a file has its own pixels, for Pillow and for ImageMagick."""
    page = page_of((17, 33), LINES)
    pictures = [pixels_of(page, number) for number in range(pages)]
    file = encode(MultiTiffG4Encoder(page), page, *pictures)
    wanted = [expected(page, picture) for picture in pictures]
    assert by_pillow(file) == wanted
    assert read_pnm(run_on_file("convert", "{}", "pbm:-", input=file)) == wanted


def test_the_tags_tell_the_truth() -> None:
    """tiffinfo reports size, polarity, resolution and the compression, for each page."""
    page = page_of((250, 129), LINES, resolution=Resolution(300, 600))
    file = encode(MultiTiffG4Encoder(page), page, pixels_of(page), pixels_of(page, 1))
    told = run_on_file("tiffinfo", "{}", input=file).decode()
    for line in (
        "Image Width: 250 Image Length: 129",
        "Resolution: 300, 600 pixels/inch",
        "Compression Scheme: CCITT Group 4",
        "Photometric Interpretation: min-is-black",
        "Subfile Type: multi-page document",
    ):
        assert len(re.findall(line, told)) == 2
    starts = []
    image = Image.open(io.BytesIO(file))
    for number in range(2):
        image.seek(number)
        starts.append(image.tag_v2[273][0])
    assert all(start % 2 == 0 for start in starts)


def test_text_becomes_very_small() -> None:
    """Lines like those of text shrink to a fraction of their bits."""
    page = page_of((2480, 800), LINES)
    rows = text_like(page)
    white = b"\xff" * page.row_bytes * 400
    data = rows[: len(white)] + white
    assert len(coded(page, data)) < len(data) // 4


@pytest.mark.parametrize("pattern", [b"\x55", b"\xaa\x55", b"\x66\x99", b"\x92\x49\x24", b"\x11\x88\x22\x44"])
def test_the_worst_pictures_stay_within_what_may_be_kept(pattern: bytes) -> None:
    """No pattern takes more than the spool is made for: not rows of it, nor it between white rows, nor noise."""
    page = page_of((960, 60), LINES)
    limit = spool_bytes(Format.TIFF_SINGLE_G4, LINES, page.width, page.height)
    row = (pattern * page.row_bytes)[: page.row_bytes]
    turned = row.translate(INVERTED)
    noise = random.Random(0).randbytes(page.row_bytes * page.height)
    mixtures = [(row + other) * 30 for other in (row, turned, b"\xff" * len(row), bytes(len(row)))]
    for data in (*mixtures, noise):
        for black in (0, 1):
            assert len(coded(page, data, black)) <= limit


def test_what_may_be_kept_bounds_the_size() -> None:
    """A page fits as long as the worst that it can become may be kept."""
    needed = spool_bytes(Format.TIFF_MULTI_G4, LINES, 1000, 1000)
    assert 750_000 <= needed <= 760_000
    assert fits(InputSource.PLATEN, Format.TIFF_MULTI_G4, LINES, 1000, 1000, spool_limit=needed)
    assert not fits(InputSource.PLATEN, Format.TIFF_SINGLE_G4, LINES, 1000, 1000, spool_limit=needed - 1)


def test_impossible_pages_are_refused() -> None:
    """Missing rows, and a second page in a file for one, are errors."""
    single = SingleTiffG4Encoder(page_of((4, 4), LINES))
    with pytest.raises(ImagingError, match="4 rows"):
        single.end()
    with pytest.raises(ImagingError, match="one page"):
        single.next_page()
    several = MultiTiffG4Encoder(page_of((4, 4), LINES))
    with pytest.raises(ImagingError, match="4 rows"):
        several.next_page()


@pytest.mark.parametrize("file", [b"", b"II*\0", b"II*\0\x08\0\0\0\0\0\0\0\0\0", b"II*\0\xff\xff\xff\xff"])
def test_a_coder_that_makes_something_else_is_noticed(file: bytes) -> None:
    """Whatever is not a TIFF of one strip is an error and never a part of the file."""
    with pytest.raises(ImagingError, match="something else"):
        only_strip(file)


def test_a_refusal_of_the_coder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in the coder's thread is raised where the page is made."""

    def refuse(*arguments: object, **words: object) -> None:
        raise OSError("encoder error -9")

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(ImagingError, match="encoder error -9"):
        coded(page_of((8, 8), LINES), bytes(8))
