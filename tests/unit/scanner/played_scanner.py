"""A device of which every page is scripted."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.imaging.pixels import Frame
from bridge.scanner.failure import ScanFailure
from bridge.scanner.pages import PageSource
from bridge.scanner.protocol import Status

Chunk = bytes | ScanFailure

JAM = ScanFailure(Status.JAMMED, "Paper is jammed.")
EMPTY = ScanFailure(Status.NO_DOCUMENTS, "The feeder is empty.")


def gray(width: int = 4, padding: int = 0, lines: int = -1) -> Frame:
    """The shape of a page of 8 bits in gray."""
    return Frame("gray", True, width, lines, 8, width + padding)


class PlayedScanner:
    """Delivers pages as scripted: a frame and its chunks, or a failure of the start; empty at the end."""

    def __init__(self, *pages: tuple[Frame, Iterable[Chunk]] | ScanFailure, room: int = 12) -> None:
        self._pages = list(pages)
        self._chunks: list[Chunk] = []
        self._room = room
        self._storage = bytearray()
        self.starts = 0

    def start(self) -> Frame:
        self.starts += 1
        page = self._pages.pop(0) if self._pages else EMPTY
        if isinstance(page, ScanFailure):
            raise page
        frame, chunks = page
        self._chunks = list(chunks)
        return frame

    def buffer(self, stride: int) -> memoryview:
        self._storage = bytearray(max(self._room, stride))
        return memoryview(self._storage).toreadonly()

    def read(self, start: int, length: int) -> int | None:
        assert 0 <= start < start + length <= len(self._storage)
        if not self._chunks:
            return None
        chunk = self._chunks.pop(0)
        if isinstance(chunk, ScanFailure):
            raise chunk
        taken, rest = chunk[:length], chunk[length:]
        if rest:
            self._chunks.insert(0, rest)
        self._storage[start : start + len(taken)] = taken
        return len(taken)


def whole_page(source: PageSource) -> tuple[Frame, bytes]:
    """The next page of `source`, padding and all."""
    frame = source.start()
    buffer = source.buffer(frame.stride)
    found = bytearray()
    while (count := source.read(0, len(buffer))) is not None:
        found += buffer[:count]
    return frame, bytes(found)
