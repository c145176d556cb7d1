"""TIFF files in black and white with Group 4 compression: one page, or all pages of a job.

A page's directory stands before its code and tells its length, so the code of one page waits in a spool; of a page of
text that is a few ten kilobytes. A directory also tells where the next one lies, so a page leaves when it is known
whether another follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.imaging.encoder import ImagingError, Page, RowCount, Rows
from bridge.imaging.fax import FaxCoder
from bridge.imaging.formats import MAX_COUNTED_BYTES, spool_bytes
from bridge.imaging.spool import Spool
from bridge.imaging.tiff import DIRECTORY, HEADER_BYTES, header, page_tags, strip_tags
from bridge.scanner.model import Format

_GROUP_4 = 4
_BLACK = 1
"""TIFF's BlackIsZero turns the coder's colours round: what it calls black is 1, which is white."""


class TiffG4Encoder:
    """Pages of one bit, each in one strip. Raises ImagingError for what is longer than a TIFF can count."""

    def __init__(self, page: Page, *, several: bool) -> None:
        self._page = page
        self._several = several
        self._count = RowCount(page)
        self._spool = Spool(spool_bytes(Format.TIFF_SINGLE_G4, page.color, page.width, page.height))
        self._coder = FaxCoder(page, _BLACK)
        self._place = HEADER_BYTES
        self._directory_bytes = len(self._directory(0, 0))

    def begin(self) -> bytes:
        """The header."""
        return header(HEADER_BYTES)

    def rows(self, data: Rows) -> bytes:
        """Take whole packed rows. Raises ImagingError."""
        self._count.take(data)
        self._spool.write(self._coder.rows(data))
        return b""

    def next_page(self) -> Iterator[bytes]:
        """The page that is over. Raises ImagingError when it is not whole, or no page more can be counted."""
        if not self._several:
            raise ImagingError("A file of this format holds one page.")
        blocks = self._close(followed=True)

        def page() -> Iterator[bytes]:
            yield from blocks
            self._spool.clear()
            self._coder = FaxCoder(self._page, _BLACK)

        return page()

    def end(self) -> Iterable[bytes]:
        """The last page. Raises ImagingError when it is not whole."""
        return self._close(followed=False)

    def _close(self, *, followed: bool) -> Iterator[bytes]:
        """The directory and the code of the page that is over."""
        self._count.close()
        self._spool.write(self._coder.end())
        gap = b"\0" * (len(self._spool) % 2)
        following = self._place + self._directory_bytes + len(self._spool) + len(gap)
        if following > MAX_COUNTED_BYTES:
            raise ImagingError("A TIFF holds 4 GiB. Choose a lower resolution, or fewer pages for one file.")
        directory = self._directory(self._place + self._directory_bytes, following if followed else 0)
        self._place = following
        return self._blocks(directory, gap)

    def _blocks(self, directory: bytes, gap: bytes) -> Iterator[bytes]:
        yield directory
        yield from self._spool.forward()
        yield gap

    def _directory(self, start: int, following: int) -> bytes:
        """The directory of the page that is over, whose code begins at `start`."""
        tags = page_tags(self._page, _GROUP_4, self._page.height, one_of_several=self._several)
        return DIRECTORY.write([*tags, *strip_tags([start], [len(self._spool)])], self._place, following)


class SingleTiffG4Encoder(TiffG4Encoder):
    """One page, `tiff-single-g4`."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, several=False)


class MultiTiffG4Encoder(TiffG4Encoder):
    """All pages of a job, `tiff-multi-g4`."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, several=True)
