"""Colour that a scanner delivers in three passes, one colour each: made into one page of colour.

The first two passes wait in the spool; while the third is scanned the page goes out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from bridge.imaging.encoder import ImagingError
from bridge.imaging.pixels import Frame
from bridge.imaging.spool import Spool
from bridge.scanner.failure import ScanFailure
from bridge.scanner.pages import Pace, PageSource, Replay, packed_rows
from bridge.scanner.protocol import Status

PLANES = ("red", "green", "blue")
"""python-sane's words for frames of one colour, in the order in which a pixel has them."""

_WHITE = b"\xff"


class ThreePasses:
    """Gives pages of `source`, which may come in three passes; keeps at most `limit` bytes of them."""

    def __init__(self, source: PageSource, limit: int, pace: Pace) -> None:
        self._source = source
        self._limit = limit
        self._pace = pace
        self._page: PageSource | Replay = source

    def start(self) -> Frame:
        """Start the next page: at once, or when two thirds of it are scanned."""
        frame = self._source.start()
        self._page = self._source
        if frame.kind not in PLANES:
            return frame
        spool = Spool(self._limit)
        places: dict[str, tuple[int, int]] = {}
        for _ in PLANES[1:]:
            begin = len(spool)
            for block in packed_rows(self._source, _plane(frame), self._pace):
                spool.write(block)
            places[frame.kind] = begin, len(spool)
            following = self._source.start()
            same_shape = (following.width, following.depth) == (frame.width, frame.depth)
            if following.kind not in PLANES or following.kind in places or not same_shape:
                raise ScanFailure(Status.IO_ERROR, "The scanner's three passes of colour do not fit together.")
            frame = following
        self._page = Replay(self._merged(frame, spool, places))
        return Frame("color", frame.last, frame.width, frame.lines, frame.depth, 3 * frame.packed)

    def buffer(self, stride: int) -> memoryview:
        """Where `read` puts the pixels."""
        return self._page.buffer(stride)

    def read(self, start: int, length: int) -> int | None:
        """Read into the buffer."""
        return self._page.read(start, length)

    def _merged(self, last: Frame, spool: Spool, places: dict[str, tuple[int, int]]) -> Iterator[bytes | bytearray]:
        """Rows of colour: two colours from the spool, the third from the scanner as it comes."""
        kept = {name: _Plane(spool, *place) for name, place in places.items()}
        for block in packed_rows(self._source, _plane(last), self._pace):
            planes = {name: plane.take(len(block)) for name, plane in kept.items()}
            planes[last.kind] = block
            yield _together([planes[name] for name in PLANES], last.depth)


class _Plane:
    """One colour of a page, read from the spool in pieces of any size; white where it has too few rows."""

    def __init__(self, spool: Spool, begin: int, end: int) -> None:
        self._blocks = spool.forward(begin, end)
        self._pending = bytearray()

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self._pending) < size:
            block = next(self._blocks, None)
            self._pending += _WHITE * (size - len(self._pending)) if block is None else block
        part = bytes(self._pending[:size])
        del self._pending[:size]
        return part


def _plane(frame: Frame) -> Frame:
    """A pass as the gray picture that it is. Raises ImagingError for one of single bits."""
    if frame.depth not in (8, 16):
        raise ImagingError(f"Colour in three passes of {frame.depth} bits, as this scanner delivers it, is not read.")
    return Frame("gray", frame.last, frame.width, frame.lines, frame.depth, frame.stride)


def _together(planes: list[bytes], depth: int) -> bytes | bytearray:
    if depth == 16:
        samples = array("H", bytes(3 * len(planes[0])))
        for channel, plane in enumerate(planes):
            samples[channel::3] = array("H", plane)
        return samples.tobytes()
    pixels = bytearray(3 * len(planes[0]))
    for channel, plane in enumerate(planes):
        pixels[channel::3] = plane
    return pixels
