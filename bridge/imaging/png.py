"""PNG files, written as the rows come: each compressed strip is an IDAT chunk of its own.

zlib's fastest level, because a page must not wait for its file: higher levels gain a tenth of the size at most, and
take four to ten times as long (docs/performance.md).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

from bridge.imaging.ahead import CompressorThreads
from bridge.imaging.encoder import ImagingError, Page, RowCount, Rows
from bridge.imaging.rowfilter import RowFilter
from bridge.imaging.samples import big_endian

MAX_PNG_SIDE = 2**31 - 1
"""Longest side of a PNG in pixels."""

STRIP_BYTES = 256 * 1024
"""About how much pixel data is filtered and compressed at once."""

LEVEL = 1
MEMORY_LEVEL = 9
"""zlib's settings."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _COLOR = 0, 2
_METRE = 1


class PngEncoder:
    """Gray or colour of any depth, not interlaced. Raises ImagingError for a page that no PNG can hold."""

    def __init__(self, page: Page, strip_rows: int | None = None) -> None:
        if not (1 <= page.width <= MAX_PNG_SIDE and 1 <= page.height <= MAX_PNG_SIDE):
            raise ImagingError(f"A PNG of {page.width} x {page.height} pixels is not possible.")
        self._page = page
        self._count = RowCount(page)
        self._stride = page.row_bytes + 1
        self._strip_rows = strip_rows or max(1, STRIP_BYTES // self._stride)
        self._compressor = CompressorThreads(_Deflater(page.row_bytes).compress)
        # A byte before each row for the filter's number, and the row above the first.
        self._strip = bytearray((self._strip_rows + 1) * self._stride)
        self._filled = 0

    def begin(self) -> bytes:
        """Signature, header and resolution."""
        page = self._page
        kind = _COLOR if page.color.channels == 3 else _GRAY
        header = struct.pack(">LLBBBBB", page.width, page.height, page.color.depth, kind, 0, 0, 0)
        resolution = struct.pack(">LLB", *page.per_metre, _METRE)
        return _SIGNATURE + chunk(b"IHDR", header) + chunk(b"pHYs", resolution)

    def rows(self, data: Rows) -> bytes:
        """Take whole packed rows; the chunks that are ready by now. Raises ImagingError."""
        count = self._count.take(data)
        rows = memoryview(big_endian(data) if self._page.color.depth == 16 else data)
        size, stride = self._page.row_bytes, self._stride
        ready: list[bytes] = []
        for at in range(0, count * size, size):
            self._filled += 1
            begin = self._filled * stride
            self._strip[begin + 1 : begin + stride] = rows[at : at + size]
            if self._filled == self._strip_rows:
                self._hand_over()
                ready += _chunks(self._compressor.take())
        return b"".join(ready)

    def next_page(self) -> Iterable[bytes]:
        """Refused: a PNG holds one page."""
        raise ImagingError("A PNG file holds one page.")

    def end(self) -> Iterable[bytes]:
        """The last chunks. Raises ImagingError when the page is not whole."""
        self._count.close()
        if self._filled:
            self._hand_over()
        self._compressor.submit(self._strip, 0)
        return [*_chunks(self._compressor.take(leave=0)), chunk(b"IEND", b"")]

    def _hand_over(self) -> None:
        full, stride = self._strip, self._stride
        self._strip = bytearray(len(full))
        self._strip[:stride] = full[self._filled * stride : (self._filled + 1) * stride]
        self._compressor.submit(full, self._filled)
        self._filled = 0


class _Deflater:
    """Filters and compresses strips; belongs to the compressor's thread."""

    def __init__(self, row_bytes: int) -> None:
        self._filter = RowFilter(row_bytes)
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, MEMORY_LEVEL)

    def compress(self, strip: bytearray, rows: int) -> bytes:
        """What is ready of the compressed data; a strip of no rows ends them."""
        return self._deflate.compress(self._filter.apply(strip, rows)) if rows else self._deflate.flush()


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk with its length and its checksum."""
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(data, zlib.crc32(name)))


def _chunks(strips: Iterator[bytes]) -> Iterator[bytes]:
    return (chunk(b"IDAT", strip) for strip in strips if strip)
