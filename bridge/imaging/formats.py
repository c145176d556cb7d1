"""Which files can be made: formats, the colours and the sizes that each can hold.

Plain tables, apart from the encoders: the daemon needs them for every ticket, and must not load what encodes.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.scanner.model import SPOOL_LIMIT, ColorMode, Format, InputSource

_ALL = frozenset(ColorMode)
_EIGHT_BITS = frozenset({ColorMode.RGB_24, ColorMode.GRAYSCALE_8})
_ONE_BIT = frozenset({ColorMode.BLACK_AND_WHITE_1})
_UP_TO_EIGHT_BITS = _EIGHT_BITS | _ONE_BIT

FORMAT_COLORS: Mapping[Format, frozenset[ColorMode]] = {
    Format.EXIF: _EIGHT_BITS,
    Format.JFIF: _EIGHT_BITS,
    Format.PNG: _ALL,
    Format.TIFF_SINGLE_UNCOMPRESSED: _ALL,
    Format.TIFF_SINGLE_G4: _ONE_BIT,
    Format.DIB: _UP_TO_EIGHT_BITS,
    Format.PDF_A: _UP_TO_EIGHT_BITS,
    Format.TIFF_MULTI_UNCOMPRESSED: _ALL,
    Format.TIFF_MULTI_G4: _ONE_BIT,
}
"""The colours that a file of each format can carry; nothing else is published (wsd-scan.md 14, checklist 130)."""

MAX_JPEG_SIDE = 65535
"""Longest side of a JPEG in pixels: its header has 16 bits for each."""

MAX_SIDE = MAX_JPEG_SIDE
"""Longest side in pixels that every format can hold; what is published stays below it."""

MAX_COUNTED_BYTES = 2**32 - 1
"""Longest TIFF and BMP: both count their bytes in 32 bits."""

G4_BITS_PER_PIXEL = 6
G4_BITS_PER_ROW = 64
"""Most that Group 4 can make of an image: a code of three bits and two codes of nine together for every two pixels."""

TABLES_BYTES = 1024 * 1024
"""More than the tables of any TIFF or BMP take beside the pixels."""


def row_bytes(width: int, color: ColorMode) -> int:
    """Bytes of a packed row of `width` pixels."""
    return (width * color.bits_per_pixel + 7) // 8


def dib_row_bytes(width: int, color: ColorMode) -> int:
    """Bytes of a row in a dib: whole groups of four (wsd-scan.md 7.4)."""
    return (width * color.bits_per_pixel + 31) // 32 * 4


def spool_bytes(format_: Format, color: ColorMode, width: int, height: int) -> int:
    """Most bytes that must be kept until a page of this shape can be sent; 0 for all that is sent as it is made."""
    if format_ is Format.DIB:
        return dib_row_bytes(width, color) * height
    if format_ in (Format.TIFF_SINGLE_G4, Format.TIFF_MULTI_G4):
        return (G4_BITS_PER_PIXEL * width + G4_BITS_PER_ROW) * (height + 1) // 8
    return 0


def turned_bytes(color: ColorMode, width: int, height: int) -> int:
    """Bytes that must be kept of a page that is turned upright; of one bit too, a pixel takes a byte then."""
    return width * height * color.channels * max(1, color.depth // 8)


def fits(
    source: InputSource,
    format_: Format,
    color: ColorMode,
    width: int,
    height: int,
    *,
    spool_limit: int = SPOOL_LIMIT,
    backs_turned: bool = False,
) -> bool:
    """Whether a file can hold a page of `width` x `height` pixels, keeping at most `spool_limit` bytes of it.

    `backs_turned`: the back sides from `source` come upside down, so that they are kept until they can be turned.
    """
    jpeg = format_ in (Format.EXIF, Format.JFIF) or (format_ is Format.PDF_A and color.depth == 8)
    if jpeg and max(width, height) > MAX_JPEG_SIDE:
        return False
    counted = format_.uncompressed and row_bytes(width, color) * height > MAX_COUNTED_BYTES - TABLES_BYTES
    kept = spool_bytes(format_, color, width, height)
    if backs_turned and source is InputSource.ADF_DUPLEX:
        kept += turned_bytes(color, width, height)
    return not counted and kept <= spool_limit
