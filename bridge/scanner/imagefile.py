"""One file from one or more pages: scanner, geometry, conversion, encoder, pipe, joined.

Nothing here holds more than a few strips, however large the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from bridge.imaging.encoder import Encoder, ImagingError, Page, Rows, StorageError
from bridge.imaging.encoders import encoder_for
from bridge.imaging.path import RowPath, row_path
from bridge.imaging.pixels import Frame
from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import MESSAGES
from bridge.scanner.model import Format, ScanRequest
from bridge.scanner.options import Delivery
from bridge.scanner.pages import Pace, PageSource
from bridge.scanner.protocol import Event, ImageStarted, PageScanned, Status


class ImageFile:
    """Makes the files of one job, one call of `scan` for each.

    `write` takes the bytes of the file and blocks while nobody reads them; `tell` takes events. `trouble` says what
    ended the last file before its time, if something did.
    """

    def __init__(
        self,
        source: PageSource,
        request: ScanRequest,
        delivery: Delivery,
        write: Callable[[Rows], None],
        tell: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        make_encoder: Callable[[Format, Page], Encoder] = encoder_for,
    ) -> None:
        self._source = source
        self._request = request
        self._delivery = delivery
        self._write = write
        self._tell = tell
        self._pace = Pace(tell, clock)
        self._make_encoder = make_encoder
        self._bytes = 0
        self._started = False
        self.trouble: ScanFailure | None = None

    def scan(self) -> int:
        """Scan the next file: one page, or all pages that a multi-page format may hold. Returns its bytes.

        Raises ScanFailure, with no-documents when the feeder is empty before the first page. What fails later ends a
        multi-page file with the pages so far; a page that was under way is white from there on.
        """
        request = self._request
        page = Page(
            request.width, request.height, request.color, request.resolution, request.quality, request.file_header
        )
        self._bytes = 0
        self._started = False
        self.trouble = None
        try:
            encoder = self._make_encoder(request.format, page)
            frame: Frame | None = self._source.start()
            pages = 0
            while frame is not None:
                try:
                    self._page(frame, encoder, encoder.next_page if pages else lambda: [encoder.begin()], pages > 0)
                    pages += 1
                    frame = self._following_frame(pages)
                except ScanFailure as failure:
                    if not pages or failure.status is Status.CANCELLED:
                        raise
                    self.trouble, frame = failure, None
            for block in encoder.end():
                self._put(block)
        except StorageError as error:
            raise ScanFailure(Status.STORAGE_FULL, str(error)) from error
        except ImagingError as error:
            raise ScanFailure(Status.UNSUPPORTED, str(error)) from error
        return self._bytes

    def _following_frame(self, pages: int) -> Frame | None:
        """The next page for the same file; None when the file is to end after `pages` pages."""
        request = self._request
        if not (request.format.multi_page and request.source.is_feeder) or pages == request.images:
            return None
        try:
            return self._source.start()
        except ScanFailure as failure:
            if failure.status is Status.NO_DOCUMENTS:
                return None
            raise

    def _page(
        self, frame: Frame, encoder: Encoder, opening: Callable[[], Iterable[bytes]], mend: bool
    ) -> None:
        """Read one page to its end, whatever of it is wanted, so that a feeder brings it out.

        With `mend` a page that fails after it has begun is filled up before ScanFailure is raised.
        """
        path = row_path(frame, self._request.color, self._delivery.placement_of(frame), self._delivery.tone)
        buffer = self._source.buffer(frame.stride)
        room = len(buffer) // frame.stride * frame.stride
        filled = lines = total = 0
        try:
            while (count := self._source.read(filled, room - filled)) is not None:
                if not count:
                    continue
                if not total:
                    self._open(opening)
                total += count
                filled += count
                if filled == room:
                    self._encode(path.rows(buffer[:filled]), encoder)
                    filled = 0
                lines = total // frame.stride
                self._pace.lines(lines)
            if not lines:
                raise ScanFailure(Status.END_OF_FILE, MESSAGES[Status.END_OF_FILE])
        except ScanFailure as failure:
            if mend and total and failure.status is not Status.CANCELLED:
                self._close(buffer[: filled // frame.stride * frame.stride], path, encoder)
            raise
        self._tell(PageScanned(lines))
        self._close(buffer[: filled // frame.stride * frame.stride], path, encoder)

    def _close(self, rest: memoryview, path: RowPath, encoder: Encoder) -> None:
        """The last rows of a page, and white for those that are missing."""
        self._encode(path.rows(rest), encoder)
        self._encode(path.finish(), encoder)

    def _open(self, opening: Callable[[], Iterable[bytes]]) -> None:
        if not self._started:
            self._started = True
            self._tell(ImageStarted())
        for block in opening():
            self._put(block)

    def _encode(self, blocks: Iterable[Rows], encoder: Encoder) -> None:
        for rows in blocks:
            self._put(encoder.rows(rows))

    def _put(self, data: Rows) -> None:
        if data:
            self._write(data)
            self._bytes += len(data)
