"""How much of a JPEG has come, told by its restart markers."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bridge.client.jpeg_share import MAX_HEAD, JpegShare
from bridge.imaging.jpeg import JfifEncoder
from bridge.scanner.model import ColorMode
from tests.unit.imaging.files import encode, page_of, pixels_of


@pytest.mark.parametrize("color", [ColorMode.RGB_24, ColorMode.GRAYSCALE_8])
@pytest.mark.parametrize("piece", [7, 97, 4096])
def test_the_bridges_own_images(color: ColorMode, piece: int) -> None:
    """The share grows from nothing to nearly one, whatever the pieces are that it comes in."""
    page = page_of((1000, 4000), color)
    file = encode(JfifEncoder(page), page, pixels_of(page), rows_at_once=500)
    progress = JpegShare()
    shares = []
    for at in range(0, len(file), piece):
        progress.take(file[at : at + piece])
        if progress.share is not None:
            shares.append(progress.share)
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert 0.7 < shares[-1] <= 1
    assert len(set(shares)) >= 2


def test_an_image_without_markers() -> None:
    """Then nobody knows, and nothing is invented."""
    stream = io.BytesIO()
    Image.new("RGB", (600, 600)).save(stream, "JPEG")
    progress = JpegShare()
    progress.take(stream.getvalue())
    assert progress.share is None


@pytest.mark.parametrize(
    "data", [b"", b"\xff", bytes(100), b"\xff\xd8\xff\xdd\x00\x00" * 10, b"\xff\xd8\xff\xc0\x00\x03\x00" * 9]
)
def test_what_is_no_jpeg(data: bytes) -> None:
    """Nonsense gives no share and no error."""
    progress = JpegShare()
    progress.take(data)
    progress.take(data)
    assert progress.share is None


def test_memory_is_bounded() -> None:
    """A head that never ends is given up."""
    progress = JpegShare()
    for _ in range(MAX_HEAD // 65536 + 2):
        progress.take(b"\xff\xd8" + b"\xff\xe0\xff\xff" * 16384)
    assert progress.share is None
    assert progress._head is None
