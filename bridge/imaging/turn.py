"""Half a turn of a page: all its pixels in the opposite order."""

from __future__ import annotations

from array import array

from bridge.imaging.encoder import Rows


def turned(rows: Rows, channels: int, depth: int) -> bytes | bytearray:
    """Whole packed rows of `channels` samples of 8 or 16 bits a pixel, the last pixel of the last row first."""
    if depth == 16:
        samples = array("H", bytes(rows))[::-1]
        if channels == 3:
            samples[0::3], samples[2::3] = samples[2::3], samples[0::3]
        return samples.tobytes()
    pixels = bytearray(rows)[::-1]
    if channels == 3:
        pixels[0::3], pixels[2::3] = pixels[2::3], pixels[0::3]
    return pixels
