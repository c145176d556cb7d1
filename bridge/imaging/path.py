"""The way of a page's rows from the scanner's frame to the encoder: converted, put in their place, packed.

Pixels of one bit take a byte each on that way, so that any row can be cut, moved and resampled alike. A page of one bit
that the scanner delivers as lineart and at its own resolution is spared that: its rows stay bits, eight times fewer
bytes, and come out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from bridge.imaging.bits import pack
from bridge.imaging.encoder import Rows
from bridge.imaging.geometry import Placement, Placer
from bridge.imaging.pixels import Converter, Frame, converter, pixel_bytes, unpadded
from bridge.imaging.tone import PLAIN, Tone
from bridge.scanner.model import ColorMode

_INVERTED = bytes(255 - value for value in range(256))


class RowPath:
    """Takes rows of one page as they are delivered, gives rows as encoders take them.

    Call `rows` for all that comes, then `finish` once; together they give exactly the promised height.
    """

    def __init__(self, convert: Converter, placer: Placer, last: Callable[[Rows], Rows] | None = None) -> None:
        self._convert = convert
        self._placer = placer
        self._last = last

    def rows(self, data: memoryview) -> Iterator[Rows]:
        """Promised rows out of whole delivered rows, in blocks that must be used before `data` changes."""
        if data and not self._placer.complete:
            yield from self._finished(self._placer.rows(self._convert(data)))

    def finish(self) -> Iterator[Rows]:
        """The promised rows that were not delivered: white."""
        yield from self._finished(self._placer.finish())

    def _finished(self, blocks: Iterator[Rows]) -> Iterator[Rows]:
        last = self._last
        return blocks if last is None else map(last, blocks)


def row_path(frame: Frame, color: ColorMode, placement: Placement, tone: Tone = PLAIN) -> RowPath:
    """The way for rows of `frame` into rows of `color` at `placement`.

    Raises ImagingError for a frame that cannot be read.
    """
    if color.depth != 1:
        return RowPath(converter(frame, color, tone), Placer(placement, frame.width, pixel_bytes(color)))
    left = placement.column(0)
    whole = placement.step_x == placement.step_y == 1 and left >= 0 and left + placement.width <= frame.width
    if frame.depth == 1 and whole:
        return _path_of_bits(frame, placement, left)
    return RowPath(
        converter(frame, color, tone),
        Placer(placement, frame.width, pixel_bytes(color)),
        lambda rows: pack(rows, placement.width),
    )


def _path_of_bits(frame: Frame, placement: Placement, left: int) -> RowPath:
    """The same as the long way, with a byte of eight pixels in the place of a pixel."""
    frame.check()
    in_bytes = replace(placement, width=(placement.width + 7) // 8, left=Fraction(left // 8))
    shift = left % 8

    def convert(data: memoryview) -> Rows:
        rows = bytes(unpadded(data, frame)).translate(_INVERTED)
        return _shifted(rows, frame.packed, shift) if shift else rows

    unused = -placement.width % 8
    return RowPath(
        convert,
        Placer(in_bytes, frame.packed, 1),
        _trimmer(in_bytes.width, unused) if unused else None,
    )


def _shifted(rows: bytes, size: int, shift: int) -> bytes:
    """Rows of `size` bytes, each without its first `shift` bits; zeros move in at the end."""
    every = (1 << 8 * size) - 1
    return b"".join(
        [
            (int.from_bytes(rows[at : at + size], "big") << shift & every).to_bytes(size, "big")
            for at in range(0, len(rows), size)
        ]
    )


def _trimmer(size: int, unused: int) -> Callable[[Rows], Rows]:
    """Makes the last `unused` bits of each row of `size` bytes 0."""
    kept = bytes(value >> unused << unused for value in range(256))

    def trim(rows: Rows) -> Rows:
        block = bytearray(rows)
        block[size - 1 :: size] = block[size - 1 :: size].translate(kept)
        return block

    return trim
