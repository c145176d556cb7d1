"""What the headers of `jfif` and `exif` files say."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bridge.imaging.encoder import Page
from bridge.imaging.encoders import encoder_for
from bridge.imaging.exif import exif_segment, jfif_segment
from bridge.imaging.jpeg import split
from bridge.scanner.model import ColorMode, Format, Resolution
from tests.unit.imaging.decoders import picture

PAGE = Page(20, 10, ColorMode.RGB_24, Resolution(300, 600))
GRAY_PAGE = Page(20, 10, ColorMode.GRAYSCALE_8, Resolution(150, 150))


def file_of(name: Format, page: Page) -> bytes:
    encoder = encoder_for(name, page)
    data = picture(page.width, page.height, page.color.channels)
    return b"".join([encoder.begin(), encoder.rows(data), *encoder.end()])


def test_jfif_begins_with_app0_and_tells_the_density() -> None:
    """A jfif file has JFIF's APP0 first, with dots per inch, and no Exif."""
    jpeg = file_of(Format.JFIF, PAGE)
    markers = [marker for marker, _ in split(jpeg)[0]]
    assert markers[0] == 0xE0
    assert 0xE1 not in markers
    image = Image.open(io.BytesIO(jpeg))
    assert image.info["jfif_unit"] == 1
    assert image.info["jfif_density"] == (300, 600)
    assert image.info["jfif_version"] == (1, 2)


@pytest.mark.parametrize("page", [PAGE, GRAY_PAGE], ids=["color", "gray"])
def test_exif_begins_with_app1_and_tells_resolution_and_size(page: Page) -> None:
    """An exif file has APP1 first and no APP0; independent readers find resolution, orientation and dimensions."""
    jpeg = file_of(Format.EXIF, page)
    markers = [marker for marker, _ in split(jpeg)[0]]
    assert markers[0] == 0xE1
    assert 0xE0 not in markers
    exif = Image.open(io.BytesIO(jpeg)).getexif()
    assert exif[0x011A] == page.resolution.width
    assert exif[0x011B] == page.resolution.height
    assert exif[0x0128] == 2
    assert exif[0x0112] == 1
    details = exif.get_ifd(0x8769)
    assert (details[0xA002], details[0xA003]) == (page.width, page.height)
    assert details[0x9000] == b"0230"
    assert details[0xA001] == 1
    assert Image.open(io.BytesIO(jpeg)).info["dpi"] == (page.resolution.width, page.resolution.width)


def test_exif_directories_are_sorted_and_within_the_segment() -> None:
    """Tags ascend, as TIFF demands, and no value lies behind the end of the segment."""
    segment = exif_segment(PAGE)
    assert int.from_bytes(segment[2:4], "big") == len(segment) - 2
    tiff = segment[10:]
    offset = int.from_bytes(tiff[4:8], "big")
    sizes = {2: 1, 3: 2, 4: 4, 5: 8, 7: 1}
    for _ in range(2):
        count = int.from_bytes(tiff[offset : offset + 2], "big")
        entries = [tiff[offset + 2 + 12 * n : offset + 14 + 12 * n] for n in range(count)]
        tags = [int.from_bytes(entry[:2], "big") for entry in entries]
        assert tags == sorted(set(tags))
        for entry in entries:
            size = sizes[int.from_bytes(entry[2:4], "big")] * int.from_bytes(entry[4:8], "big")
            if size > 4:
                assert int.from_bytes(entry[8:], "big") + size <= len(tiff)
            if entry[:2] == b"\x87\x69":
                following = int.from_bytes(entry[8:], "big")
        offset = following


def test_segments_hold_extreme_resolutions() -> None:
    """A resolution beyond JFIF's 16 bits is the greatest that it can tell, not an error."""
    page = Page(1, 1, ColorMode.RGB_24, Resolution(100000, 1))
    assert jfif_segment(page)[12:16] == b"\xff\xff\0\1"
    assert exif_segment(page)
