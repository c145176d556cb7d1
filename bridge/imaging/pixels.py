"""What a scanner's frames are made of, and their conversion to the pixels that a file holds.

In: gray or red-green-blue, 1, 8 or 16 bits a sample, rows padded or not, SANE's polarity (lineart: 1 is black).
Out: rows of gray or red-green-blue samples of one byte, or of two in the machine's order; 0 is black (checklist 209).
Whole rows at a time, never a page.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass

from bridge.imaging.bits import BLACK, WHITE, expand
from bridge.imaging.encoder import ImagingError, Rows
from bridge.imaging.tone import PLAIN, Tone, through_words
from bridge.scanner.model import ColorMode

MAX_STRIDE = 4 * 1024 * 1024
"""Longest row believed, in bytes: 17 inches at 4800 dpi in 48-bit colour take an eighth of it."""

THRESHOLD = bytes(BLACK if level < 128 else WHITE for level in range(256))
"""Gray levels as black or white, without dithering: text keeps its edges, and faxes' compression its effect."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The shape of what a scanner delivers after a start: SANE's parameters.

    `kind` is python-sane's word for the frame format; `lines` is -1 when the height is not known beforehand;
    `stride` is the length of a row in bytes, padding included; `turned` says that the page lay upside down and that its
    rows come turned upright.
    """

    kind: str
    last: bool
    width: int
    lines: int
    depth: int
    stride: int
    turned: bool = False

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
        if self.kind not in ("color", "gray"):
            raise ImagingError(f"The scanner delivers frames of an unknown kind ({self.kind}).")
        if self.depth not in (8, 16) and (self.depth, self.channels) != (1, 1):
            raise ImagingError(f"{self.channels} x {self.depth} bits a pixel, as the scanner delivers, cannot be read.")
        if not (self.width >= 1 and self.packed <= self.stride <= MAX_STRIDE):
            raise ImagingError(f"The scanner says that {self.width} pixels take {self.stride} bytes; impossible.")


Converter = Callable[[memoryview], Rows]
"""Takes whole rows as delivered and returns them converted and packed, their width unchanged."""


def pixel_bytes(color: ColorMode) -> int:
    """Bytes of a pixel of `color` on its way from the scanner to the encoder; a pixel of one bit takes a byte."""
    return color.channels * (2 if color.depth == 16 else 1)


def converter(frame: Frame, color: ColorMode, tone: Tone = PLAIN) -> Converter:
    """What turns rows of `frame` into rows of `color`, each pixel of `pixel_bytes`.

    Colour becomes gray by ITU-R 601-2 luma, gray becomes colour by repetition, what is darker than half becomes black
    where a pixel has one bit, and what has 8 bits keeps its brightness in 16. `tone` is laid over levels; lineart has
    none. Raises ImagingError for a frame that cannot be read.
    """
    frame.check()
    steps: list[Callable[[Rows], Rows]] = []
    if frame.stride != frame.packed:
        steps.append(lambda data: unpadded(data, frame))
    deep = frame.depth == 16
    if deep and (color.depth != 16 or frame.channels > color.channels):
        steps.append(_high_bytes)
        deep = False
    elif frame.depth == 1:
        steps.append(lambda data: expand(data, frame.width))
    if frame.channels > color.channels:
        steps.append(_luma)
    if frame.depth != 1 and (color.depth == 1 or not tone.plain):
        steps.append(_leveller(tone, deep=deep, bilevel=color.depth == 1))
    if color.depth == 16 and not deep:
        steps.append(_widen)
    if frame.channels < color.channels:
        steps.append(_repeat_deep if color.depth == 16 else _repeat)

    def convert(data: memoryview) -> Rows:
        rows: Rows = data
        for step in steps:
            rows = step(rows)
        return rows

    return convert


def _leveller(tone: Tone, *, deep: bool, bilevel: bool) -> Callable[[Rows], Rows]:
    """What lays `tone` over samples of 8 or 16 bits, and makes black and white of them where that is wanted."""
    if deep:
        words = tone.words_table()
        return lambda data: through_words(data, words)
    table = tone.bytes_table()
    if bilevel:
        table = table.translate(THRESHOLD)
    return lambda data: bytes(data).translate(table)


def unpadded(data: Rows, frame: Frame) -> Rows:
    """Whole rows of `frame` without their padding."""
    if frame.stride == frame.packed:
        return data
    return b"".join([data[start : start + frame.packed] for start in range(0, len(data), frame.stride)])


def _high_bytes(data: Rows) -> Rows:
    """The high byte of each sample; SANE delivers 16 bits in the machine's own order."""
    return bytes(data)[1 if sys.byteorder == "little" else 0 :: 2]


def _widen(data: Rows) -> Rows:
    """Samples of 8 bits as 16: from black to white, not to a 256th below it."""
    wide = bytearray(2 * len(data))
    wide[0::2] = wide[1::2] = data
    return wide


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


def _repeat_deep(data: Rows) -> Rows:
    gray = array("H", bytes(data))
    colored = array("H", bytes(6 * len(gray)))
    for channel in range(3):
        colored[channel::3] = gray
    return colored.tobytes()
