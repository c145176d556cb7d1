"""Uncompressed TIFF files of one page and of several, in libtiff's and Pillow's eyes."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from bridge.imaging.encoder import ImagingError
from bridge.imaging.formats import MAX_COUNTED_BYTES, fits
from bridge.imaging.tiff import STRIP_BYTES, MultiTiffEncoder, SingleTiffEncoder
from bridge.scanner.model import ColorMode, Format, InputSource, Resolution
from tests.unit.imaging.files import (
    SIZES,
    Decoded,
    by_pillow,
    encode,
    expected,
    page_of,
    pixels_of,
    read_pnm,
    run_on_file,
)

COLORS = list(ColorMode)
WIDE = page_of((30000, 41), ColorMode.RGB_24)


def by_libtiff(file: bytes) -> list[Decoded]:
    """The first page by libtiff."""
    return read_pnm(run_on_file("tifftopnm", "-byrow", "-quiet", "{}", input=file))


@pytest.mark.conformance(194, 195, 209)
@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_pixel_survives(color: ColorMode, size: tuple[int, int]) -> None:
    """libtiff decodes exactly the pixels that went in, whatever the colour and size."""
    page = page_of(size, color)
    data = pixels_of(page)
    assert by_libtiff(encode(SingleTiffEncoder(page), page, data)) == [expected(page, data)]


@pytest.mark.parametrize("color", [color for color in COLORS if color is not ColorMode.RGB_48])
@pytest.mark.parametrize("pages", [1, 2, 5])
def test_pages_stay_apart_and_in_order(color: ColorMode, pages: int) -> None:
    """Pillow, which reads uncompressed TIFF without libtiff, finds each page of a file with its own pixels."""
    page = page_of((17, 33), color)
    pictures = [pixels_of(page, number) for number in range(pages)]
    file = encode(MultiTiffEncoder(page), page, *pictures)
    assert by_pillow(file) == [expected(page, picture) for picture in pictures]


@pytest.mark.parametrize("color", COLORS)
def test_pages_of_odd_length_begin_at_even_places(color: ColorMode) -> None:
    """ImageMagick, by libtiff, reads every page of a file whose pages have an odd number of bytes."""
    page = page_of((7, 9), color)
    pictures = [pixels_of(page, number) for number in range(3)]
    file = encode(MultiTiffEncoder(page), page, *pictures)
    decoded = read_pnm(run_on_file("convert", "{}", "-depth", str(color.depth), "pnm:-", input=file))
    assert decoded == [expected(page, picture) for picture in pictures]
    image = Image.open(io.BytesIO(file))
    assert image.n_frames == 3
    for number in range(3):
        image.seek(number)
        assert image.tag_v2[273][0] % 2 == 0


def test_many_strips_are_read_like_one() -> None:
    """A page of several strips, the last one shorter, is decoded whole; no strip is much longer than STRIP_BYTES."""
    data = pixels_of(WIDE)
    file = encode(SingleTiffEncoder(WIDE), WIDE, data)
    assert by_libtiff(file) == [expected(WIDE, data)]
    assert by_pillow(file) == [expected(WIDE, data)]
    tags = Image.open(io.BytesIO(file)).tag_v2
    assert len(tags[273]) > 10
    assert sum(tags[279]) == len(data)
    assert max(tags[279]) <= STRIP_BYTES


@pytest.mark.parametrize("color", COLORS)
def test_the_tags_tell_the_truth(color: ColorMode) -> None:
    """tiffinfo reports size, depth, polarity, resolution and that nothing is compressed."""
    page = page_of((250, 129), color, resolution=Resolution(300, 600))
    told = run_on_file("tiffinfo", "{}", input=encode(SingleTiffEncoder(page), page, pixels_of(page))).decode()
    assert "Image Width: 250 Image Length: 129" in told
    assert "Resolution: 300, 600 pixels/inch" in told
    assert f"Bits/Sample: {color.depth}" in told
    assert f"Samples/Pixel: {color.channels}" in told
    assert "Compression Scheme: None" in told
    meaning = "RGB color" if color.channels == 3 else "min-is-black"
    assert f"Photometric Interpretation: {meaning}" in told


def test_pages_of_a_file_are_marked_as_such() -> None:
    """In a file of several pages tiffinfo calls each of them a page of a document."""
    page = page_of((17, 33), ColorMode.GRAYSCALE_8)
    pictures = [pixels_of(page, number) for number in range(3)]
    told = run_on_file("tiffinfo", "{}", input=encode(MultiTiffEncoder(page), page, *pictures)).decode()
    assert len(re.findall(r"Subfile Type: multi-page document", told)) == 3


def test_nothing_waits() -> None:
    """A single page's directory comes before its first row, and rows leave as they come."""
    encoder = SingleTiffEncoder(WIDE)
    assert len(encoder.begin()) > 8
    rows = memoryview(bytes(WIDE.row_bytes * 3))
    taken = encoder.rows(rows)
    assert isinstance(taken, memoryview)
    assert taken.obj is rows.obj


def test_impossible_pages_are_refused() -> None:
    """More bytes than TIFF counts, missing rows, and a second page in a file for one are errors."""
    long = page_of((65535, 65535), ColorMode.RGB_24)
    assert not fits(InputSource.PLATEN, Format.TIFF_SINGLE_UNCOMPRESSED, long.color, long.width, long.height)
    with pytest.raises(ImagingError, match="4 GiB"):
        SingleTiffEncoder(long)
    half = page_of((30000, 30000), ColorMode.RGB_24)
    assert half.row_bytes * half.height < MAX_COUNTED_BYTES
    assert fits(InputSource.PLATEN, Format.TIFF_MULTI_UNCOMPRESSED, half.color, half.width, half.height)
    encoder = MultiTiffEncoder(half)
    encoder.begin()
    band = bytes(half.row_bytes * 1000)
    for _ in range(30):
        encoder.rows(band)
    with pytest.raises(ImagingError, match="4 GiB"):
        encoder.next_page()
    single = SingleTiffEncoder(page_of((4, 4), ColorMode.GRAYSCALE_8))
    with pytest.raises(ImagingError, match="one page"):
        single.next_page()
    with pytest.raises(ImagingError, match="4 rows"):
        single.end()
    several = MultiTiffEncoder(page_of((4, 4), ColorMode.GRAYSCALE_8))
    with pytest.raises(ImagingError, match="4 rows"):
        several.next_page()
