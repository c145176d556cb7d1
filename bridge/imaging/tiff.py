"""TIFF files without compression: one page, or all pages of a job.

A page's size is promised, so every place in the file is known beforehand, and nothing waits. In a file of one page the
directory stands before the pixels. In a file of several it stands behind them: only then is it known whether another
page follows. Samples keep the machine's byte order, which is the file's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from bridge.imaging.encoder import ImagingError, Page, RowCount, Rows
from bridge.imaging.formats import MAX_COUNTED_BYTES, TABLES_BYTES
from bridge.imaging.ifd import LONG, SHORT, Directory, Tag

STRIP_BYTES = 256 * 1024
"""About how much pixel data a strip holds, so that a reader needs no more at once."""

HEADER_BYTES = 8
"""Bytes before anything else: byte order, magic number, place of the first directory."""

DIRECTORY = Directory("<" if sys.byteorder == "little" else ">")
"""Writes directories in the machine's byte order."""

_NO_COMPRESSION = 1
_BLACK_IS_ZERO, _RGB = 1, 2
_ONE_OF_SEVERAL = 2
_INCH = 2


def page_tags(page: Page, compression: int, strip_rows: int, *, one_of_several: bool) -> list[Tag]:
    """The tags of a page, all but the places and lengths of its strips."""
    make, color = DIRECTORY, page.color
    return [
        make.numbers(0x00FE, LONG, _ONE_OF_SEVERAL if one_of_several else 0),  # NewSubfileType
        make.numbers(0x0100, LONG, page.width),  # ImageWidth
        make.numbers(0x0101, LONG, page.height),  # ImageLength
        make.numbers(0x0102, SHORT, *(color.depth for _ in range(color.channels))),  # BitsPerSample
        make.numbers(0x0103, SHORT, compression),  # Compression
        make.numbers(0x0106, SHORT, _RGB if color.channels == 3 else _BLACK_IS_ZERO),  # PhotometricInterpretation
        make.numbers(0x0112, SHORT, 1),  # Orientation: the first row is the top, the first column the left
        make.numbers(0x0115, SHORT, color.channels),  # SamplesPerPixel
        make.numbers(0x0116, LONG, strip_rows),  # RowsPerStrip
        make.rational(0x011A, page.resolution.width),  # XResolution
        make.rational(0x011B, page.resolution.height),  # YResolution
        make.numbers(0x011C, SHORT, 1),  # PlanarConfiguration: samples of a pixel together
        make.numbers(0x0128, SHORT, _INCH),  # ResolutionUnit
        make.text(0x0131, "Scanbridge"),  # Software
    ]


def strip_tags(places: Iterable[int], lengths: Iterable[int]) -> list[Tag]:
    """The tags that say where the strips of a page lie."""
    return [DIRECTORY.numbers(0x0111, LONG, *places), DIRECTORY.numbers(0x0117, LONG, *lengths)]


def header(first_directory: int) -> bytes:
    """The first bytes of a file."""
    return DIRECTORY.mark + first_directory.to_bytes(4, sys.byteorder)


class TiffEncoder:
    """Uncompressed pages. Raises ImagingError for what is longer than a TIFF can count."""

    def __init__(self, page: Page, *, several: bool) -> None:
        self._page = page
        self._several = several
        self._count = RowCount(page)
        self._strip_rows = max(1, STRIP_BYTES // page.row_bytes)
        self._pixel_bytes = page.row_bytes * page.height
        self._check(0)
        self._directory_bytes = len(self._directory(0, 0, 0))
        # Directories begin at even places.
        self._gap = b"\0" * (self._pixel_bytes % 2)
        self._page_start = HEADER_BYTES if several else HEADER_BYTES + self._directory_bytes
        self._check(self._page_start)

    def begin(self) -> bytes:
        """The header, and the directory where it comes first."""
        if self._several:
            return header(self._directory_place)
        return header(HEADER_BYTES) + self._directory(self._page_start, HEADER_BYTES, 0)

    def rows(self, data: Rows) -> Rows:
        """The rows, as they are. Raises ImagingError."""
        self._count.take(data)
        return data

    def next_page(self) -> Iterable[bytes]:
        """The directory of the page that is over. Raises ImagingError when no page more can be counted."""
        if not self._several:
            raise ImagingError("A file of this format holds one page.")
        self._count.close()
        place = self._directory_place
        start = place + self._directory_bytes
        self._check(start)
        closing = self._directory(self._page_start, place, start + self._pixel_bytes + len(self._gap))
        self._page_start = start
        return [self._gap, closing]

    def end(self) -> Iterable[bytes]:
        """The directory of the last page, where it is still missing. Raises ImagingError when the page is not whole."""
        self._count.close()
        return [self._gap, self._directory(self._page_start, self._directory_place, 0)] if self._several else []

    @property
    def _directory_place(self) -> int:
        """Where the directory behind the page under way lies."""
        return self._page_start + self._pixel_bytes + len(self._gap)

    def _check(self, start: int) -> None:
        """Raise ImagingError when a page that begins at `start` does not end within what can be counted."""
        if start + self._pixel_bytes + TABLES_BYTES > MAX_COUNTED_BYTES:
            raise ImagingError("A TIFF holds 4 GiB. Choose a lower resolution, or fewer pages for one file.")

    def _directory(self, start: int, place: int, following: int) -> bytes:
        """The directory, at `place`, of a page whose pixels begin at `start`."""
        page = self._page
        strip = self._strip_rows * page.row_bytes
        offsets = range(0, self._pixel_bytes, strip)
        tags = page_tags(page, _NO_COMPRESSION, self._strip_rows, one_of_several=self._several)
        tags += strip_tags(
            (start + offset for offset in offsets), (min(strip, self._pixel_bytes - offset) for offset in offsets)
        )
        return DIRECTORY.write(tags, place, following)


class SingleTiffEncoder(TiffEncoder):
    """One page, `tiff-single-uncompressed`."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, several=False)


class MultiTiffEncoder(TiffEncoder):
    """All pages of a job, `tiff-multi-uncompressed`."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, several=True)
