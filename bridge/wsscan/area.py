"""Lengths on the bed made to fit: paper sizes and scan regions, one axis at a time (wsd-scan.md 7.2)."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import ConflictingParameters

ROUNDING = 14
"""Thousandths of an inch by which a length may stick out unnoticed: a pixel at 75 dpi, the coarsest grid that
Windows' applications round their regions to."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one axis: where it begins, how long it is.

    `rounded` says that only a rounding error was cut off, `outside` that nothing of what was wanted is on the bed.
    """

    offset: int
    length: int
    rounded: bool = False
    outside: bool = False

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + self.length


def fit_length(wanted: int | None, least: int, most: int) -> tuple[int, bool]:
    """The length of paper that comes closest to `wanted`, and whether only a rounding error separates them.

    None and 0 ask for all there is.
    """
    if not wanted:
        return most, False
    return max(min(wanted, most), min(least, most)), most < wanted <= most + ROUNDING


def fit_span(
    offset: int | None,
    length: int | None,
    default: int,
    least: int,
    most: int,
    *,
    keep_offset: bool = False,
    keep_length: bool = False,
) -> Span:
    """The stretch within 0..`most`, not shorter than `least`, that comes closest to what is wanted.

    `default` is the length of a wish without one; a length of 0 asks for the rest of the bed. A stretch that is too
    long loses its end, or moves when only its length must be kept. Raises ConflictingParameters when offset and length
    must both be kept, and each could be, but not together.
    """
    least = min(least, most)
    begin = max(0, offset or 0)
    outside = begin >= most
    if outside:
        begin = 0
    long = default if length is None else length
    if long <= 0:
        long = most - begin
    over = begin + long - most
    rounded = False
    if over > 0:
        rounded = over <= ROUNDING and length is not None
        if rounded or long > most or length is None:
            long = most - begin
        elif keep_offset and keep_length and not outside:
            raise ConflictingParameters("the scan region's offset and its extent together leave the bed")
        elif keep_length:
            begin = most - long
        else:
            long = most - begin
    if long < least:
        long, rounded = least, False
        begin = min(begin, most - long)
    return Span(begin, long, rounded, outside)
