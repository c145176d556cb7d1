"""How far a scan is, for the person who waits for it: one line on a terminal, drawn over and over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TextIO

from bridge.client.jpeg_share import JpegShare

REDRAW_S = 0.1
"""Least time between two drawings, in seconds."""

BAR = 24
"""Width of the bar in characters."""

_CLEAR = "\r\x1b[K"


class Progress:
    """Draws on `stream` if that is a terminal, else does nothing; `now` tells seconds that only grow."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now
        self._shown = stream.isatty()
        self._start = now()
        self._drawn: float | None = None
        self._text = ""
        self._page = 0
        self._expected = 0
        self._bytes = 0
        self._jpeg: JpegShare | None = None

    def waiting(self, text: str) -> None:
        """Say what the scan is waiting for."""
        self._text = text
        self._draw(always=True)

    def page(self, number: int, expected: int, *, jpeg: bool = False) -> None:
        """Page `number` begins, with `expected` bytes, 0 when nobody knows; a `jpeg` may tell its share by itself."""
        self._text = ""
        self._jpeg = JpegShare() if jpeg and not expected else None
        self._page, self._expected, self._bytes = number, expected, 0
        self._draw(always=True)

    def received(self, data: bytes) -> None:
        """The next bytes of the page are here."""
        self._bytes += len(data)
        if self._jpeg is not None:
            self._jpeg.take(data)
        self._draw()

    def clear(self) -> None:
        """Leave the line empty, for whatever comes next."""
        if self._drawn is not None:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._drawn = None

    def _draw(self, always: bool = False) -> None:
        now = self._now()
        if not self._shown or (not always and self._drawn is not None and now - self._drawn < REDRAW_S):
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(_CLEAR + self._line(now - self._start)[:width])
        self._stream.flush()
        self._drawn = now

    def _line(self, elapsed: float) -> str:
        time = f"{elapsed:.0f} s"
        if self._text:
            return f"{self._text}  {time}"
        share = self._jpeg.share if self._jpeg is not None else None
        if share is not None:
            bar = done_bar(int(share * 1000), 1000)
        else:
            bar = done_bar(self._bytes, self._expected) if self._expected else moving_bar(elapsed)
        return f"page {self._page}  {bar}  {size_text(self._bytes)}  {time}"


def done_bar(done: int, whole: int) -> str:
    """A bar for `done` of `whole`, with the percentage."""
    share = min(done / whole, 1.0)
    filled = int(share * BAR)
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {int(share * 100):3d} %"


def moving_bar(elapsed: float) -> str:
    """A bar that shows life where nobody knows how much is to come."""
    block = 4
    at = int(elapsed * 10) % (2 * (BAR - block))
    at = min(at, 2 * (BAR - block) - at)
    return f"[{'.' * at}{'#' * block}{'.' * (BAR - block - at)}]"


def size_text(count: int) -> str:
    """`count` bytes as a person says it."""
    if count < 1000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"
