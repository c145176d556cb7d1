"""From the rows that a scanner delivers to exactly the rows that were promised (checklist 195).

What the scanner rounded is cropped, what it did not deliver is white, and where it scanned at another resolution
the nearest pixel is taken. Rows go through as they come; no page is held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter

from bridge.imaging.encoder import ImagingError, Rows

WHITE = 255

BLOCK_BYTES = 256 * 1024
"""About the most that one step makes out of nothing: of white rows, or by repeating rows."""

HALF = Fraction(1, 2)

RowMaker = Callable[[memoryview], bytes]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the promised image lies in what is delivered.

    `width` x `height` pixels are promised; the left and top edge lie `left` and `top` delivered pixels from the
    delivered edges (negative: outside), and a promised pixel is `step_x` by `step_y` delivered pixels.
    The promised pixel i shows the delivered pixel under its middle: floor((i + 1/2) * step + left).
    """

    width: int
    height: int
    left: Fraction = Fraction(0)
    top: Fraction = Fraction(0)
    step_x: Fraction = Fraction(1)
    step_y: Fraction = Fraction(1)

    def column(self, index: int) -> int:
        """The delivered column that the promised column `index` shows; it may not exist."""
        return math.floor((index + HALF) * self.step_x + self.left)

    def row(self, index: int) -> int:
        """The delivered row that the promised row `index` shows; it may not exist."""
        return math.floor((index + HALF) * self.step_y + self.top)


class Placer:
    """Takes delivered rows of `source_width` pixels of `pixel_bytes` each, gives promised rows.

    Call `rows` for all that comes, then `finish` once; together they give exactly the promised height.
    """

    def __init__(self, placement: Placement, source_width: int, pixel_bytes: int) -> None:
        self._placement = placement
        self._pixel_bytes = pixel_bytes
        self._source_bytes = source_width * pixel_bytes
        self._row_bytes = placement.width * pixel_bytes
        self._at_once = max(1, BLOCK_BYTES // self._row_bytes)
        self._seen = 0
        self._made = 0
        self._cut: slice | None = None
        self._row = self._row_maker(source_width)

    @property
    def complete(self) -> bool:
        """Whether the promised height is reached; more rows change nothing."""
        return self._made >= self._placement.height

    def rows(self, data: Rows) -> Iterator[Rows]:
        """Promised rows out of whole packed delivered rows, in blocks of whole rows.

        A block may be a view of `data` and must be used before `data` changes.
        """
        count, rest = divmod(len(data), self._source_bytes)
        if rest:
            raise ImagingError(f"{len(data)} bytes are not whole rows of {self._source_bytes}")
        first, self._seen = self._seen, self._seen + count
        yield from self._white_before(first)
        if self._placement.step_y == 1:
            yield from self._run(memoryview(data), first, count)
        else:
            yield from self._picked(memoryview(data), first)

    def finish(self) -> Iterator[Rows]:
        """The promised rows that no delivered row shows: white."""
        missing = self._placement.height - self._made
        self._made = self._placement.height
        yield from self._white(missing)

    def _white_before(self, first: int) -> Iterator[Rows]:
        """The promised rows above the delivered edge, once."""
        if first:
            return
        place, start = self._placement, self._made
        while self._made < place.height and place.row(self._made) < 0:
            self._made += 1
        yield from self._white(self._made - start)

    def _run(self, data: memoryview, first: int, count: int) -> Iterator[Rows]:
        """Promised rows that follow one another in `data`."""
        place = self._placement
        if self.complete:
            return
        start = place.row(self._made) - first
        wanted = min(count - start, place.height - self._made)
        if wanted <= 0:
            return
        self._made += wanted
        size = self._source_bytes
        if self._row is None:
            yield data[start * size : (start + wanted) * size]
            return
        make, cut, at_once = self._row, self._cut, self._at_once * size
        last = (start + wanted) * size
        for begin in range(start * size, last, at_once):
            rows = range(begin, min(begin + at_once, last), size)
            if cut is not None:
                # Most scanners round up to more columns than were asked for, so this is on the way of every page.
                yield b"".join([data[at + cut.start : at + cut.stop] for at in rows])
            else:
                yield b"".join([make(data[at : at + size]) for at in rows])

    def _picked(self, data: memoryview, first: int) -> Iterator[Rows]:
        """Promised rows one by one, each from the delivered row under its middle."""
        place, size = self._placement, self._source_bytes
        block: list[Rows] = []
        at, made = -1, b""
        while not self.complete:
            source = place.row(self._made) - first
            if (source + 1) * size > len(data):
                break
            if source != at:
                row = data[source * size : (source + 1) * size]
                at, made = source, bytes(row) if self._row is None else self._row(row)
            block.append(made)
            self._made += 1
            if len(block) >= self._at_once:
                yield b"".join(block)
                block.clear()
        if block:
            yield b"".join(block)

    def _white(self, count: int) -> Iterator[Rows]:
        while count > 0:
            rows = min(count, self._at_once)
            yield bytes((WHITE,)) * (rows * self._row_bytes)
            count -= rows

    def _row_maker(self, source_width: int) -> RowMaker | None:
        """What makes a promised row of a delivered one; None when they are the same."""
        place, size = self._placement, self._pixel_bytes
        if place.step_x != 1:
            return _gather([place.column(index) for index in range(place.width)], source_width, size)
        left = place.column(0)
        if left == 0 and place.width == source_width:
            return None
        start, end = max(left, 0), min(left + place.width, source_width)
        if start >= end:
            blank = bytes((WHITE,)) * self._row_bytes
            return lambda row: blank
        before = bytes((WHITE,)) * ((start - left) * size)
        after = bytes((WHITE,)) * ((left + place.width - end) * size)
        part = slice(start * size, end * size)
        if end - start == place.width:
            self._cut = part
        return lambda row: b"".join((before, row[part], after))


def _gather(columns: list[int], source_width: int, size: int) -> RowMaker:
    """Picks `columns`, of `size` bytes each, of a row; a column outside it is white."""
    outside = source_width * size
    picks = []
    for column in columns:
        inside = 0 <= column < source_width
        picks += [column * size + byte if inside else outside for byte in range(size)]
    pick = itemgetter(*picks, outside)

    def make(row: memoryview) -> bytes:
        # One pick too many, because itemgetter gives no tuple for a single one.
        return bytes(pick(bytes(row) + bytes((WHITE,)))[:-1])

    return make
