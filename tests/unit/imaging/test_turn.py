"""Half a turn of pages of every kind of pixel."""

from __future__ import annotations

import pytest
from PIL import Image

from bridge.imaging.turn import turned


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_turned_page_is_what_pillow_makes_of_it(mode: str) -> None:
    """Gray and colour of 8 bits, against another program's half turn."""
    channels = len(mode)
    data = bytes(value * 7 % 256 for value in range(13 * 9 * channels))
    image = Image.frombytes(mode, (13, 9), data)
    half = image.transpose(Image.Transpose.ROTATE_180)
    assert bytes(turned(data, channels, 8)) == half.tobytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_sixteen_bits_stay_whole(channels: int) -> None:
    """Two bytes of a sample keep their order, and so do the samples of a pixel."""
    pixels = [bytes(value for value in range(at, at + 2 * channels)) for at in range(0, 60, 6)]
    assert turned(b"".join(pixels), channels, 16) == b"".join(reversed(pixels))


def test_twice_is_nothing() -> None:
    """Two half turns are none."""
    data = bytes(range(240))
    for channels, depth in ((1, 8), (3, 8), (1, 16), (3, 16)):
        assert bytes(turned(turned(data, channels, depth), channels, depth)) == data
