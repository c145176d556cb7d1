"""What a scanner's frames are made of, and their conversion to the pixels that a file holds.

In: gray or red-green-blue, 1, 8 or 16 bits a sample, rows padded or not, SANE's polarity (lineart: 1 is black).
Out: packed rows of gray or red-green-blue bytes, 0 is black (checklist 209). Whole rows at a time, never a page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from bridge.imaging.encoder import ImagingError, Rows
from bridge.scanner.model import ColorMode

MAX_STRIDE = 4 * 1024 * 1024
"""Longest row believed, in bytes: 17 inches at 4800 dpi in 48-bit colour take an eighth of it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The shape of what a scanner delivers after a start: SANE's parameters.

    `kind` is python-sane's word for the frame format; `lines` is -1 when the height is not known beforehand;
    `stride` is the length of a row in bytes, padding included.
    """

    kind: str
    last: bool
    width: int
    lines: int
    depth: int
    stride: int

    @property
    def channels(self) -> int:
        """Samples of a pixel."""
        return 3 if self.kind == "color" else 1

    @property
    def packed(self) -> int:
        """Bytes of a row without its padding."""
        return (self.width * self.channels * self.depth + 7) // 8

    def check(self) -> None:
        """Raise ImagingError when rows of this shape cannot be read."""
        if self.kind in ("red", "green", "blue"):
            raise ImagingError("Colour in three passes, as this scanner delivers it, is not supported; scan in gray.")
        if self.kind not in ("color", "gray"):
            raise ImagingError(f"The scanner delivers frames of an unknown kind ({self.kind}).")
        if self.depth not in (8, 16) and (self.depth, self.channels) != (1, 1):
            raise ImagingError(f"{self.channels} x {self.depth} bits a pixel, as the scanner delivers, cannot be read.")
        if not (self.width >= 1 and self.packed <= self.stride <= MAX_STRIDE):
            raise ImagingError(f"The scanner says that {self.width} pixels take {self.stride} bytes; impossible.")


Converter = Callable[[memoryview], Rows]
"""Takes whole rows as delivered and returns them converted and packed, their width unchanged."""


def converter(frame: Frame, color: ColorMode) -> Converter:
    """What turns rows of `frame` into rows of `color`, 8 bits a sample.

    Colour becomes gray by ITU-R 601-2 luma, gray becomes colour by repetition. Raises ImagingError for a frame
    that cannot be read and for a colour that is not 8 bits deep.
    """
    frame.check()
    if color.depth != 8:
        raise ImagingError(f"The scanner's rows cannot be turned into {color.value}.")
    steps: list[Callable[[Rows], Rows]] = []
    if frame.stride != frame.packed:
        steps.append(lambda data: _unpad(data, frame.stride, frame.packed))
    if frame.depth == 16:
        steps.append(_high_bytes)
    elif frame.depth == 1:
        steps.append(lambda data: _expand(data, frame.packed, frame.width))
    if frame.channels > color.channels:
        steps.append(_luma)
    elif frame.channels < color.channels:
        steps.append(_repeat)

    def convert(data: memoryview) -> Rows:
        rows: Rows = data
        for step in steps:
            rows = step(rows)
        return rows

    return convert


def _unpad(data: Rows, stride: int, packed: int) -> Rows:
    return b"".join([data[start : start + packed] for start in range(0, len(data), stride)])


def _high_bytes(data: Rows) -> Rows:
    """The high byte of each sample; SANE delivers 16 bits in the machine's own order."""
    return bytes(data)[1 if sys.byteorder == "little" else 0 :: 2]


_EIGHT_PIXELS = [bytes(0 if bits & (0x80 >> place) else 255 for place in range(8)) for bits in range(256)]


def _expand(data: Rows, packed: int, width: int) -> Rows:
    """Lineart, 1 is black and the leftmost pixel the highest bit, as gray bytes."""
    if packed * 8 == width:
        return b"".join(map(_EIGHT_PIXELS.__getitem__, data))
    rows = []
    for start in range(0, len(data), packed):
        rows.append(b"".join(map(_EIGHT_PIXELS.__getitem__, data[start : start + packed]))[:width])
    return b"".join(rows)


def _luma(data: Rows) -> Rows:
    # Pillow costs 8 MiB and is needed only for scanners without a gray mode.
    from PIL import Image

    count = len(data) // 3
    gray: bytes = Image.frombuffer("RGB", (count, 1), bytes(data), "raw", "RGB", 0, 1).convert("L").tobytes()
    return gray


def _repeat(data: Rows) -> Rows:
    colored = bytearray(3 * len(data))
    for channel in range(3):
        colored[channel::3] = data
    return colored
