"""Rows of samples in the order in which a file wants them; whole blocks of rows, at the speed of memory."""

from __future__ import annotations

import sys
from array import array

from bridge.imaging.encoder import Rows


def big_endian(data: Rows) -> Rows:
    """Samples of 16 bits with the high byte first."""
    if sys.byteorder == "big":
        return data
    samples = array("H", bytes(data))
    samples.byteswap()
    return samples.tobytes()


def blue_first(data: Rows) -> bytearray:
    """Pixels of red, green and blue bytes as blue, green and red."""
    pixels = bytearray(data)
    pixels[0::3], pixels[2::3] = pixels[2::3], pixels[0::3]
    return pixels
