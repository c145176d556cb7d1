"""What an encoder is, and what it needs to know of a page before the first row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from bridge.imaging.formats import row_bytes
from bridge.scanner.model import ColorMode, Resolution

Rows = bytes | bytearray | memoryview
"""Whole rows, one after another, packed, gray or red-green-blue, 0 is black.

Samples of 16 bits have the machine's own byte order; of 8 pixels of one bit the leftmost is the highest.
"""


class ImagingError(ValueError):
    """The file cannot be made; the text says why, for a person."""


class StorageError(ImagingError):
    """The disk does not take what a page has to wait on: it is full, or broken; the message says which."""


@dataclass(frozen=True, slots=True)
class Page:
    """The promise about every image of a file: exactly `width` x `height` pixels of `color`.

    `quality` is 1 to 100 and means something to lossy formats only, `file_header` to dib only: whether it is a whole
    bitmap file or the bitmap alone.
    """

    width: int
    height: int
    color: ColorMode
    resolution: Resolution
    quality: int = 85
    file_header: bool = True

    @property
    def row_bytes(self) -> int:
        """Bytes of one packed row."""
        return row_bytes(self.width, self.color)

    @property
    def per_metre(self) -> tuple[int, int]:
        """Pixels per metre across and along, which some formats tell instead of pixels per inch."""
        across, along = ((number * 10000 + 127) // 254 for number in (self.resolution.width, self.resolution.height))
        return across, along


class Encoder(Protocol):
    """Makes one file of one format, top row first, and holds a few strips of it at most.

    The calls are `begin`, `rows` until the page has all its rows, `next_page` and `rows` again for each further
    page of a multi-page format, and `end`. Each returns the bytes of the file that are ready; those that close a page
    give them in blocks, to be taken before the next call, because all of a page may have had to wait for them.
    """

    def begin(self) -> bytes:
        """Start the file and its first page."""

    def rows(self, data: Rows) -> Rows:
        """Take whole packed rows of the page; what is returned may be a view of them."""

    def next_page(self) -> Iterable[bytes]:
        """End the page and start the next one; raises ImagingError where the format holds one page."""

    def end(self) -> Iterable[bytes]:
        """End the page and the file; raises ImagingError when rows are missing."""


class RowCount:
    """Counts the rows of a page, so that a file has exactly those that were promised."""

    def __init__(self, page: Page) -> None:
        self._row_bytes = page.row_bytes
        self._height = page.height
        self._missing = page.height

    def take(self, data: Rows) -> int:
        """The number of rows in `data`. Raises ImagingError for broken rows and for more than the page has."""
        count, rest = divmod(len(data), self._row_bytes)
        if rest:
            raise ImagingError(f"{len(data)} bytes are not whole rows of {self._row_bytes}.")
        if count > self._missing:
            raise ImagingError("More rows came than the page has.")
        self._missing -= count
        return count

    def close(self) -> None:
        """The page is over, another may follow. Raises ImagingError when rows are missing."""
        if self._missing:
            raise ImagingError(f"{self._missing} rows of the page are missing.")
        self._missing = self._height
