"""JPEG files of any size in the memory of a strip: `exif` and `jfif`.

The page is cut into horizontal strips, each compressed by itself with the same tables, and the strips' coded data
are joined by restart markers under one frame header with the whole height. That is baseline JPEG: a restart interval
resets just what the start of a file resets (feasibility-sane.md 4.3).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial

from bridge.imaging.ahead import CompressorThreads, useful_threads
from bridge.imaging.encoder import ImagingError, Page, RowCount, Rows
from bridge.imaging.exif import exif_segment, jfif_segment
from bridge.imaging.formats import MAX_JPEG_SIDE
from bridge.imaging.strips import StripCompressor, Subsampling, compressor_for

MAX_RESTART_INTERVAL = 65535
"""Coding units between restart markers: the DRI segment has 16 bits."""

STRIP_BYTES = 512 * 1024
"""About how much pixel data a strip holds."""

FULL_COLOR_QUALITY = 95
"""From this quality on, colour keeps its full resolution (4:4:4); below it is halved both ways (4:2:0)."""

_SOF0, _RST0, _EOI, _SOS, _DQT, _DHT = 0xC0, 0xD0, 0xD9, 0xDA, 0xDB, 0xC4
_KEPT = (_DQT, _DHT, _SOF0, _SOS)


def subsampling_for(page: Page) -> Subsampling:
    """What suits the colour and quality of `page`."""
    if page.color.channels == 1:
        return Subsampling.GRAY
    return Subsampling.S444 if page.quality >= FULL_COLOR_QUALITY else Subsampling.S420


def strip_rows_for(page: Page, subsampling: Subsampling) -> int:
    """Rows of a strip: whole rows of coding units, about STRIP_BYTES, within the limit of the restart interval."""
    unit_rows = max(1, STRIP_BYTES // (page.row_bytes * subsampling.unit_height))
    units_across = -(-page.width // subsampling.unit_width)
    return min(unit_rows, MAX_RESTART_INTERVAL // units_across) * subsampling.unit_height


class JpegEncoder:
    """Joins strips into one baseline JPEG.

    `header` is the APPn segment behind the start of the image. Raises ImagingError for a page that no JPEG can hold.
    """

    def __init__(
        self,
        page: Page,
        header: bytes,
        subsampling: Subsampling | None = None,
        strip_rows: int | None = None,
        compressor: StripCompressor | None = None,
    ) -> None:
        if not (1 <= page.width <= MAX_JPEG_SIDE and 1 <= page.height <= MAX_JPEG_SIDE):
            raise ImagingError(
                f"A JPEG of {page.width} x {page.height} pixels is not possible; a side has at most {MAX_JPEG_SIDE}. "
                "Choose a lower resolution or a smaller region."
            )
        if page.color.depth != 8:
            raise ImagingError(f"A JPEG cannot hold {page.color.value}.")
        self._page = page
        self._header = header
        quality = min(max(page.quality, 1), 100)
        chosen = subsampling or subsampling_for(page)
        self._strip_rows = strip_rows or strip_rows_for(page, chosen)
        units = self._strip_rows // chosen.unit_height * -(-page.width // chosen.unit_width)
        if self._strip_rows % chosen.unit_height or not 0 < units <= MAX_RESTART_INTERVAL:
            raise ImagingError(f"Strips of {self._strip_rows} rows cannot be joined.")
        self._interval = units
        # Strips do not depend on one another; each thread has a compressor of its own.
        compressors = [compressor] if compressor else [compressor_for(chosen, quality) for _ in range(useful_threads())]
        self._first = compressors[0]
        self._subsampling = chosen
        self._compressor = CompressorThreads(*(partial(_compress, each, page.width) for each in compressors))
        self._strip = bytearray(page.row_bytes * self._strip_rows)
        self._lent: deque[bytearray] = deque()
        self._free: list[bytearray] = []
        self._filled = 0
        self._count = RowCount(page)
        self._strips = 0
        self._tables: dict[int, bytes] = {}

    def begin(self) -> bytes:
        """Everything before the coded data. Raises ImagingError.

        The tables do not depend on the picture, so one white coding unit gives them before the first strip is there.
        """
        width, rows = self._subsampling.unit_width, self._subsampling.unit_height
        white = b"\xff" * (width * rows * self._subsampling.channels)
        segments, _ = split(self._first.compress(white, width, rows))
        self._tables = _tables(segments)
        return self._frame_header(segments)

    def rows(self, data: Rows) -> bytes:
        """Take whole packed rows; the coded strips that are ready by now. Raises ImagingError."""
        self._count.take(data)
        ready = []
        left = memoryview(data)
        while left:
            part = left[: len(self._strip) - self._filled]
            self._strip[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            left = left[len(part) :]
            if self._filled == len(self._strip):
                self._hand_over()
                ready += [self._joined(strip) for strip in self._returned(self._compressor.take())]
        return b"".join(ready)

    def next_page(self) -> Iterable[bytes]:
        """Refused: a JPEG holds one page."""
        raise ImagingError("A JPEG file holds one page.")

    def end(self) -> Iterable[bytes]:
        """The last strips and the end of the image. Raises ImagingError when the page is not whole."""
        self._count.close()
        if self._filled:
            self._hand_over()
        return [*(self._joined(strip) for strip in self._compressor.take(leave=0)), bytes((0xFF, _EOI))]

    def _hand_over(self) -> None:
        self._compressor.submit(self._strip, self._filled // self._page.row_bytes)
        self._lent.append(self._strip)
        # Fresh memory for each strip would cost the kernel a tenth of the whole work.
        self._strip = self._free.pop() if self._free else bytearray(len(self._strip))
        self._filled = 0

    def _returned(self, strips: Iterator[bytes]) -> Iterator[bytes]:
        """The compressed strips; the memory of each is free again."""
        for strip in strips:
            self._free.append(self._lent.popleft())
            yield strip

    def _joined(self, jpeg: bytes) -> bytes:
        """What of a strip's own JPEG goes into the file."""
        segments, coded = split(jpeg)
        # A different table would decode to noise without any error; TJ_OPTIMIZE in the environment does that.
        if _tables(segments) != self._tables:
            raise ImagingError("The strips of the JPEG do not share their tables; unset TJ_OPTIMIZE.")
        start = bytes((0xFF, _RST0 + (self._strips - 1) % 8)) if self._strips else b""
        self._strips += 1
        return start + coded

    def _frame_header(self, segments: list[tuple[int, bytes]]) -> bytes:
        """`segments` with the size of the whole page, the restart interval and our own header."""
        size = struct.pack(">HH", self._page.height, self._page.width)
        parts = [b"\xff\xd8", self._header]
        for marker, segment in segments:
            if marker == _SOF0:
                segment = segment[:5] + size + segment[9:]
            if marker == _SOS:
                parts.append(b"\xff\xdd\x00\x04" + struct.pack(">H", self._interval))
            if marker in _KEPT:
                parts.append(segment)
        return b"".join(parts)


class JfifEncoder(JpegEncoder):
    """A JPEG with JFIF's APP0."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, jfif_segment(page))


class ExifEncoder(JpegEncoder):
    """A JPEG with Exif's APP1."""

    def __init__(self, page: Page) -> None:
        super().__init__(page, exif_segment(page))


def _compress(compressor: StripCompressor, width: int, data: bytearray, rows: int) -> bytes:
    return compressor.compress(data, width, rows)


def split(jpeg: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The segments of a baseline JPEG up to the start of scan, markers included, and its coded data.

    Raises ImagingError for anything else.
    """
    segments: list[tuple[int, bytes]] = []
    position = 2
    while position + 4 <= len(jpeg) and jpeg[position] == 0xFF:
        marker = jpeg[position + 1]
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        segments.append((marker, jpeg[position:end]))
        position = end
        if marker == _SOS:
            break
    if not segments or segments[-1][0] != _SOS or jpeg[-2:] != b"\xff\xd9":
        raise ImagingError("The compressor delivered something that is no baseline JPEG.")
    if not any(marker == _SOF0 for marker, _ in segments):
        raise ImagingError("The compressor delivered a JPEG that is not baseline.")
    return segments, jpeg[position:-2]


def _tables(segments: list[tuple[int, bytes]]) -> dict[int, bytes]:
    """The quantisation and Huffman tables by kind."""
    return {kind: b"".join(part for marker, part in segments if marker == kind) for kind in (_DQT, _DHT)}
