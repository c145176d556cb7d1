"""Windows bitmaps, bottom row first (wsd-scan.md 14).

The scanner delivers the top first, so the whole page waits in a spool; only the header goes out at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from bridge.imaging.encoder import ImagingError, Page, RowCount, Rows
from bridge.imaging.formats import MAX_COUNTED_BYTES, TABLES_BYTES, dib_row_bytes, spool_bytes
from bridge.imaging.samples import blue_first
from bridge.imaging.spool import Spool
from bridge.scanner.model import Format

_FILE_HEADER_BYTES = 14
_INFO_HEADER_BYTES = 40
_UNCOMPRESSED = 0


class DibEncoder:
    """24 bits of colour, 8 bits of gray or one bit, these with a palette.

    `page.file_header` says whether the file header is there, with which a bitmap is a file (design, dib_file_header).
    Raises ImagingError for a page that is longer than a bitmap can count.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._count = RowCount(page)
        self._row_bytes = dib_row_bytes(page.width, page.color)
        self._size = self._row_bytes * page.height
        if self._size > MAX_COUNTED_BYTES - TABLES_BYTES:
            raise ImagingError("A bitmap holds 4 GiB. Choose a lower resolution.")
        self._spool = Spool(spool_bytes(Format.DIB, page.color, page.width, page.height))

    def begin(self) -> bytes:
        """The headers and the palette."""
        page = self._page
        palette = _palette(page.color.bits_per_pixel)
        start = _FILE_HEADER_BYTES + _INFO_HEADER_BYTES + len(palette)
        info = struct.pack(
            "<LllHHLLllLL",
            _INFO_HEADER_BYTES,
            page.width,
            page.height,
            1,
            page.color.bits_per_pixel,
            _UNCOMPRESSED,
            self._size,
            *page.per_metre,
            len(palette) // 4,
            0,
        )
        file_header = struct.pack("<2sLHHL", b"BM", start + self._size, 0, 0, start)
        return (file_header if page.file_header else b"") + info + palette

    def rows(self, data: Rows) -> bytes:
        """Keep whole packed rows. Raises ImagingError."""
        count = self._count.take(data)
        pixels: Rows = blue_first(data) if self._page.color.channels == 3 else data
        size = self._page.row_bytes
        padding = bytes(self._row_bytes - size)
        if not padding:
            self._spool.write(pixels)
            return b""
        parts: list[Rows] = []
        for at in range(0, count * size, size):
            parts += (pixels[at : at + size], padding)
        self._spool.write(b"".join(parts))
        return b""

    def next_page(self) -> Iterable[bytes]:
        """Refused: a bitmap holds one page."""
        raise ImagingError("A bitmap holds one page.")

    def end(self) -> Iterator[bytes]:
        """All rows. Raises ImagingError when the page is not whole."""
        self._count.close()
        return self._spool.backward(self._row_bytes)


def _palette(bits: int) -> bytes:
    """Blue, green, red and nothing, for every gray from black to white."""
    if bits > 8:
        return b""
    last = 2**bits - 1
    return b"".join(bytes((level * 255 // last,) * 3) + b"\0" for level in range(last + 1))
