"""Back sides that do not come as they should: upside down, or after the fronts of the whole stack.

Such pages wait in the spool: one at a time where only the backs have to be turned, the whole stack where fronts and
backs have to be put together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.imaging.bits import expand
from bridge.imaging.pixels import Frame
from bridge.imaging.spool import Spool
from bridge.imaging.turn import turned
from bridge.scanner.failure import ScanFailure
from bridge.scanner.pages import Pace, PageSource, Replay, packed_rows
from bridge.scanner.protocol import Status


@dataclass(frozen=True, slots=True)
class _Kept:
    """A page in the spool: its shape, and the place of its packed rows."""

    frame: Frame
    begin: int
    end: int


class BackSides:
    """Gives the sides of sheets in the order of reading and upright; keeps at most `limit` bytes of them.

    `turn`: backs come upside down. `last`: they come after all fronts, in the same order of sheets.
    """

    def __init__(self, source: PageSource, *, turn: bool, last: bool, limit: int, pace: Pace) -> None:
        self._source = source
        self._turn = turn
        self._last = last
        self._limit = limit
        self._pace = pace
        self._spool = Spool(limit)
        self._page: PageSource | Replay = source
        self._sides = 0
        self._stack: list[tuple[_Kept, bool]] = []
        self._ended: ScanFailure | None = None

    def start(self) -> Frame:
        """Start the next side: at once, or when as much is scanned as it has to wait for."""
        if self._last:
            return self._from_stack()
        try:
            frame = self._source.start()
            self._sides += 1
            self._page = self._source
            if self._sides % 2 or not self._turn:
                return frame
            self._spool.clear()
            return self._play(self._keep(frame), turn=True)
        except ScanFailure:
            # The device is stopped now, and with it the sheet goes out.
            self._sides = 0
            raise

    def buffer(self, stride: int) -> memoryview:
        """Where `read` puts the pixels."""
        return self._page.buffer(stride)

    def read(self, start: int, length: int) -> int | None:
        """Read into the buffer."""
        try:
            return self._page.read(start, length)
        except ScanFailure:
            self._sides = 0
            raise

    def _from_stack(self) -> Frame:
        if not self._stack:
            if self._ended is not None:
                ended, self._ended = self._ended, None
                raise ended
            self._collect()
        page, turn = self._stack.pop(0)
        return self._play(page, turn=turn)

    def _collect(self) -> None:
        """Scan until the feeder is empty. Raises ScanFailure when there was nothing to scan.

        A stack that ends before its time cannot be told into fronts and backs: it stays as it came.
        """
        self._spool.clear()
        pages: list[_Kept] = []
        while self._ended is None:
            try:
                pages.append(self._keep(self._source.start()))
            except ScanFailure as failure:
                if not pages or failure.status is Status.CANCELLED:
                    raise
                self._ended = failure
        half, odd = divmod(len(pages), 2)
        if odd or self._ended.status is not Status.NO_DOCUMENTS:
            self._stack = [(page, False) for page in pages]
            return
        for front, back in zip(pages[:half], pages[half:], strict=True):
            self._stack += [(front, False), (back, self._turn)]

    def _keep(self, frame: Frame) -> _Kept:
        """Scan the page that was started into the spool; pixels of one bit become bytes."""
        begin = len(self._spool)
        for block in packed_rows(self._source, frame, self._pace):
            self._spool.write(expand(block, frame.width) if frame.depth == 1 else block)
        depth = max(8, frame.depth)
        shape = replace(frame, depth=depth, stride=frame.width * frame.channels * depth // 8)
        lines = (len(self._spool) - begin) // shape.stride
        return _Kept(replace(shape, lines=lines), begin, len(self._spool))

    def _play(self, page: _Kept, *, turn: bool) -> Frame:
        self._page = Replay(self._turned(page) if turn else self._spool.forward(page.begin, page.end))
        return replace(page.frame, turned=turn)

    def _turned(self, page: _Kept) -> Iterator[bytes | bytearray]:
        frame = page.frame
        for block in self._spool.from_end(frame.stride, page.begin, page.end):
            yield turned(block, frame.channels, frame.depth)
