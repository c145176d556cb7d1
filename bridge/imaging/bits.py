"""Pixels of one bit as bytes and back, whole rows at a time.

Rows of any width are cut, shifted and padded as bytes; only the scanner's side and the file's side are bits. Python's
own conversion between numbers and binary text does the work, at hundreds of millions of pixels a second.
"""

from __future__ import annotations

from bridge.imaging.encoder import Rows

BLACK, WHITE = 0, 255
"""A pixel as a byte."""

_LINEART = bytes.maketrans(b"01", bytes((WHITE, BLACK)))
_DIGITS = bytes(ord("0") if value < 128 else ord("1") for value in range(256))


def expand(data: Rows, width: int) -> bytes:
    """Packed rows of `width` pixels as SANE has them, 1 is black, as one byte for each pixel."""
    packed = (width + 7) // 8
    if packed * 8 == width:
        return _expanded(data)
    return b"".join([_expanded(data[at : at + packed])[:width] for at in range(0, len(data), packed)])


def pack(data: Rows, width: int) -> bytes:
    """Rows of one byte for each pixel as packed rows, 0 is black; bytes from 128 on are white."""
    if width % 8 == 0:
        return _packed(data, 0)
    return b"".join([_packed(data[at : at + width], -width % 8) for at in range(0, len(data), width)])


def _expanded(data: Rows) -> bytes:
    if not data:
        return b""
    # The leading one keeps zeros at the beginning from being lost.
    number = int.from_bytes(b"\1" + bytes(data), "big")
    return f"{number:b}".encode("ascii")[1:].translate(_LINEART)


def _packed(data: Rows, unused: int) -> bytes:
    if not data:
        return b""
    number = int(bytes(data).translate(_DIGITS), 2) << unused
    return number.to_bytes((len(data) + unused) // 8, "big")
