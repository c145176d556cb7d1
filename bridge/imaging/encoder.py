"""What an encoder is, and what it needs to know of a page before the first row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bridge.scanner.model import ColorMode, Resolution

Rows = bytes | bytearray | memoryview
"""Whole rows, one after another, packed, gray or red-green-blue, 0 is black."""


class ImagingError(ValueError):
    """The file cannot be made; the text says why, for a person."""


@dataclass(frozen=True, slots=True)
class Page:
    """The promise about every image of a file: exactly `width` x `height` pixels of `color`.

    `quality` is 1 to 100 and means something to lossy formats only.
    """

    width: int
    height: int
    color: ColorMode
    resolution: Resolution
    quality: int = 85

    @property
    def row_bytes(self) -> int:
        """Bytes of one packed row."""
        return (self.width * self.color.bits_per_pixel + 7) // 8


class Encoder(Protocol):
    """Makes one file of one format, top row first, and holds a few strips of it at most.

    The calls are `begin`, `rows` until the page has all its rows, `next_page` and `rows` again for each further
    page of a multi-page format, and `end`. Each returns the bytes of the file that are ready.
    """

    def begin(self) -> bytes:
        """Start the file and its first page."""

    def rows(self, data: Rows) -> bytes:
        """Take whole packed rows of the page."""

    def next_page(self) -> bytes:
        """End the page and start the next one; raises ImagingError where the format holds one page."""

    def end(self) -> bytes:
        """End the page and the file; raises ImagingError when rows are missing."""
