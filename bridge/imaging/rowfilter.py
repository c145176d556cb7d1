"""PNG's row filters: two of the five, and which of them a strip gets.

A strip has room for a type byte before each row, and begins with the row above its first one. Text on white compresses
best as it is; photos lose half of their size when each row is taken as the difference from the row above.
"""

from __future__ import annotations

import zlib

NONE, UP = 0, 2
"""The filters' numbers, which stand before a row in the file."""

SAMPLE_BYTES = 32 * 1024
"""About how much of a strip is compressed for trial."""

TRIAL_INTERVAL = 8
"""Strips that share the outcome of a trial."""

GOOD_ENOUGH = 0.6
"""A sample that shrinks to this share without a filter is not tried with one."""


def unfiltered(strip: bytearray, stride: int, rows: int) -> memoryview:
    """The first `rows` rows of `strip` with their type bytes, not filtered."""
    strip[stride : (rows + 1) * stride : stride] = bytes(rows)
    return memoryview(strip)[stride : (rows + 1) * stride]


def above_subtracted(strip: bytearray, stride: int, rows: int, first: int = 0) -> bytes:
    """The rows from `first` on, `rows` of them, with their type bytes, as differences from the rows above."""
    # Only photos come here, so that files of text never wait for Pillow.
    from PIL import Image, ImageChops

    # Bytes that rise by the filter's number have that number as their difference.
    count = rows + 1
    begin = first * stride
    strip[begin : begin + count * stride : stride] = bytes(UP * row & 0xFF for row in range(count))
    view = memoryview(strip)[begin : begin + count * stride]
    here, above = (
        Image.frombuffer("L", (stride, rows), part, "raw", "L", 0, 1) for part in (view[stride:], view[:-stride])
    )
    difference: bytes = ImageChops.subtract_modulo(here, above).tobytes()
    return difference


class RowFilter:
    """Filters strips of rows of `row_bytes` bytes, one after another, in whichever way makes them smaller."""

    def __init__(self, row_bytes: int) -> None:
        self._stride = row_bytes + 1
        self._strips = 0
        self._up = False

    def apply(self, strip: bytearray, rows: int) -> bytes | memoryview:
        """The first `rows` rows of `strip`, filtered, with their type bytes."""
        if self._strips % TRIAL_INTERVAL == 0:
            self._up = self._better_up(strip, rows)
        self._strips += 1
        if self._up:
            return above_subtracted(strip, self._stride, rows)
        return unfiltered(strip, self._stride, rows)

    def _better_up(self, strip: bytearray, rows: int) -> bool:
        """Whether a sample from the middle of the strip is smaller with the filter."""
        count = min(rows, max(1, SAMPLE_BYTES // self._stride))
        first = (rows - count) // 2
        sample = bytes(memoryview(strip)[(first + 1) * self._stride : (first + 1 + count) * self._stride])
        plain = len(zlib.compress(sample, 1))
        if plain <= GOOD_ENOUGH * len(sample):
            return False
        return len(zlib.compress(above_subtracted(strip, self._stride, count, first), 1)) < plain
