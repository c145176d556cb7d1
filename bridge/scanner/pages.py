"""Where pages come from: the device itself, and what has to wait for more of a page than a strip.

Sources stand behind one another, each giving the pages of the one before in a form that the next can use:

    device -> feeder that lies about being empty -> colour in three passes -> backs in their place and upright -> file
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from bridge.imaging.pixels import Frame, unpadded
from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import MESSAGES
from bridge.scanner.protocol import Event, Progress, Status

PROGRESS_INTERVAL_S = 0.2
"""Least time between two Progress events."""

MAX_LINES = 1_000_000
"""Lines after which a page is believed never to end: 17 metres of paper at 1500 dpi."""

BUFFER_BYTES = 256 * 1024
"""What is handed over at once of pages that were kept; a longer row makes it longer."""


class PageSource(Protocol):
    """Gives one page after another; an open, set-up `Session` is one."""

    def start(self) -> Frame:
        """Start the next page. Raises ScanFailure, and ImagingError for a page that cannot be kept."""

    def buffer(self, stride: int) -> memoryview:
        """Where `read` puts the pixels."""

    def read(self, start: int, length: int) -> int | None:
        """Read into the buffer; None at the end of the page. Raises ScanFailure."""


class Pace:
    """Tells the progress of a page now and then."""

    def __init__(self, tell: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._tell = tell
        self._clock = clock
        self._told_at = 0.0

    def lines(self, lines: int) -> None:
        """So many lines of the page are there. Raises ScanFailure when it does not end."""
        now = self._clock()
        if now - self._told_at >= PROGRESS_INTERVAL_S:
            self._told_at = now
            self._tell(Progress(lines))
        if lines > MAX_LINES:
            raise ScanFailure(Status.IO_ERROR, f"The scanner does not end its page after {MAX_LINES} lines.")


class LyingFeeder:
    """A feeder whose driver says something else when it is empty: `words` are the statuses it uses for that."""

    def __init__(self, source: PageSource, words: tuple[str, ...]) -> None:
        self._source = source
        self._words = frozenset(words)
        self._begun = False

    def start(self) -> Frame:
        """Start the next page."""
        self._begun = False
        try:
            return self._source.start()
        except ScanFailure as failure:
            raise self._truth(failure) from failure

    def buffer(self, stride: int) -> memoryview:
        """Where `read` puts the pixels."""
        return self._source.buffer(stride)

    def read(self, start: int, length: int) -> int | None:
        """Read into the buffer; a page that ends, or fails, before it has begun may be no page."""
        try:
            count = self._source.read(start, length)
        except ScanFailure as failure:
            raise self._truth(failure) from failure
        if count is None and not self._begun:
            ended = ScanFailure(Status.END_OF_FILE, MESSAGES[Status.END_OF_FILE])
            truth = self._truth(ended)
            if truth is not ended:
                raise truth
        self._begun = self._begun or bool(count)
        return count

    def _truth(self, failure: ScanFailure) -> ScanFailure:
        if self._begun or failure.status.value not in self._words:
            return failure
        return ScanFailure(Status.NO_DOCUMENTS, MESSAGES[Status.NO_DOCUMENTS])


class Replay:
    """Blocks of pixels that are there already, read as from a device."""

    def __init__(self, blocks: Iterator[bytes | bytearray]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")
        self._storage = bytearray()

    def buffer(self, stride: int) -> memoryview:
        """Where `read` puts the pixels."""
        if len(self._storage) < max(BUFFER_BYTES, stride):
            self._storage = bytearray(max(BUFFER_BYTES, stride))
        return memoryview(self._storage).toreadonly()

    def read(self, start: int, length: int) -> int | None:
        """Copy into the buffer; None when there is no more."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return None
            self._rest = memoryview(block)
        part, self._rest = self._rest[:length], self._rest[length:]
        self._storage[start : start + len(part)] = part
        return len(part)


def packed_rows(source: PageSource, frame: Frame, pace: Pace) -> Iterator[bytes]:
    """Everything of the page that `source` has started, in blocks of whole rows without padding.

    Raises ScanFailure, and ImagingError when rows of this shape cannot be read. A broken last row is left out.
    """
    frame.check()
    buffer = source.buffer(frame.stride)
    stride = frame.stride
    room = len(buffer) // stride * stride
    filled = total = 0
    while (count := source.read(filled, room - filled)) is not None:
        filled += count
        total += count
        pace.lines(total // stride)
        if filled == room:
            yield bytes(unpadded(buffer[:room], frame))
            filled = 0
    if filled >= stride:
        yield bytes(unpadded(buffer[: filled // stride * stride], frame))
    if total < stride:
        raise ScanFailure(Status.END_OF_FILE, MESSAGES[Status.END_OF_FILE])
