"""Which formats can be produced: the one table that a new encoder enters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.imaging.encoder import Encoder, ImagingError, Page
from bridge.imaging.jpeg import MAX_SIDE, ExifEncoder, JfifEncoder
from bridge.scanner.model import ColorMode, Format

FORMAT_COLORS: Mapping[Format, frozenset[ColorMode]] = {
    Format.EXIF: frozenset({ColorMode.RGB_24, ColorMode.GRAYSCALE_8}),
    Format.JFIF: frozenset({ColorMode.RGB_24, ColorMode.GRAYSCALE_8}),
}
"""The colours that a file of each format can carry (wsd-scan.md 14)."""

ENCODERS: Mapping[Format, Callable[[Page], Encoder]] = {
    Format.EXIF: ExifEncoder,
    Format.JFIF: JfifEncoder,
}
"""What makes a file of each format; only these are published (checklist 130)."""

MAX_PIXELS = MAX_SIDE
"""Longest side in pixels that every format can hold."""


def encoder_for(name: Format, page: Page) -> Encoder:
    """A new encoder for `page`. Raises ImagingError when the format or its combination with the colour is unknown."""
    if name not in ENCODERS:
        raise ImagingError(f"Files of the format {name.value} cannot be made.")
    if page.color not in FORMAT_COLORS[name]:
        raise ImagingError(f"A file of the format {name.value} cannot hold {page.color.value}.")
    return ENCODERS[name](page)
