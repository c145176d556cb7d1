"""One file from one or more pages: scanner, geometry, conversion, encoder, pipe, joined.

Nothing here holds more than a few strips, however large the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol

from bridge.imaging.bits import pack
from bridge.imaging.encoder import Encoder, ImagingError, Page, Rows, StorageError
from bridge.imaging.encoders import encoder_for
from bridge.imaging.geometry import Placement, Placer
from bridge.imaging.pixels import Converter, Frame, converter, pixel_bytes
from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import MESSAGES
from bridge.scanner.model import Format, ScanRequest
from bridge.scanner.protocol import Event, ImageStarted, PageScanned, Progress, Status

PROGRESS_INTERVAL_S = 0.2
"""Least time between two Progress events."""

MAX_LINES = 1_000_000
"""Lines after which a page is believed never to end: 17 metres of paper at 1500 dpi."""


class PageSource(Protocol):
    """An open, set-up device as far as its pages go; `Session` is one."""

    def start(self) -> Frame:
        """Start the next page. Raises ScanFailure."""

    def buffer(self, stride: int) -> memoryview:
        """Where `read` puts the pixels."""

    def read(self, start: int, length: int) -> int | None:
        """Read into the buffer; None at the end of the page. Raises ScanFailure."""


class ImageFile:
    """Makes the files of one job, one call of `scan` for each.

    `write` takes the bytes of the file and blocks while nobody reads them; `tell` takes events.
    """

    def __init__(
        self,
        source: PageSource,
        request: ScanRequest,
        placement: Placement,
        write: Callable[[Rows], None],
        tell: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        make_encoder: Callable[[Format, Page], Encoder] = encoder_for,
    ) -> None:
        self._source = source
        self._request = request
        self._placement = placement
        self._write = write
        self._tell = tell
        self._clock = clock
        self._make_encoder = make_encoder
        self._bytes = 0
        self._told_at = 0.0
        self._started = False

    def scan(self) -> int:
        """Scan the next file: one page, or all pages that a multi-page format may hold. Returns its bytes.

        Raises ScanFailure, with no-documents when the feeder is empty before the first page.
        """
        request = self._request
        page = Page(
            request.width, request.height, request.color, request.resolution, request.quality, request.file_header
        )
        self._bytes = 0
        self._started = False
        try:
            encoder = self._make_encoder(request.format, page)
            frame: Frame | None = self._source.start()
            pages = 0
            while frame is not None:
                self._page(frame, encoder, encoder.next_page if pages else lambda: [encoder.begin()])
                pages += 1
                frame = self._following_frame(pages)
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

    def _page(self, frame: Frame, encoder: Encoder, opening: Callable[[], Iterable[bytes]]) -> None:
        """Read one page to its end, whatever of it is wanted, so that a feeder brings it out."""
        color = self._request.color
        convert = converter(frame, color)
        placer = Placer(self._placement, frame.width, pixel_bytes(color))
        buffer = self._source.buffer(frame.stride)
        room = len(buffer) // frame.stride * frame.stride
        filled = lines = total = 0
        while (count := self._source.read(filled, room - filled)) is not None:
            if not count:
                continue
            if not total:
                self._open(opening)
            total += count
            filled += count
            if filled == room:
                self._rows(buffer[:filled], convert, placer, encoder)
                filled = 0
            lines = total // frame.stride
            self._progress(lines)
            if lines > MAX_LINES:
                raise ScanFailure(Status.IO_ERROR, f"The scanner does not end its page after {MAX_LINES} lines.")
        if not lines:
            raise ScanFailure(Status.END_OF_FILE, MESSAGES[Status.END_OF_FILE])
        self._tell(PageScanned(lines))
        self._rows(buffer[: filled // frame.stride * frame.stride], convert, placer, encoder)
        self._encode(placer.finish(), encoder)

    def _open(self, opening: Callable[[], Iterable[bytes]]) -> None:
        if not self._started:
            self._started = True
            self._tell(ImageStarted())
        for block in opening():
            self._put(block)

    def _rows(self, data: memoryview, convert: Converter, placer: Placer, encoder: Encoder) -> None:
        if data and not placer.complete:
            self._encode(placer.rows(convert(data)), encoder)

    def _encode(self, blocks: Iterable[Rows], encoder: Encoder) -> None:
        for rows in blocks:
            bilevel = self._request.color.depth == 1
            self._put(encoder.rows(pack(rows, self._request.width) if bilevel else rows))

    def _put(self, data: Rows) -> None:
        if data:
            self._write(data)
            self._bytes += len(data)

    def _progress(self, lines: int) -> None:
        now = self._clock()
        if now - self._told_at >= PROGRESS_INTERVAL_S:
            self._told_at = now
            self._tell(Progress(lines))
