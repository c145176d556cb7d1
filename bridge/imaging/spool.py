"""What of a file must wait until all of a page is there: in memory while it is little, else in a nameless file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

from bridge.imaging.encoder import ImagingError, StorageError

IN_MEMORY_BYTES = 1024 * 1024
"""Held in memory; most pages of text in black and white never touch the disk."""

BLOCK_BYTES = 256 * 1024
"""About what is read back at once."""

DIRECTORY = "/var/tmp"
"""Where the file lies unless TMPDIR says otherwise: /tmp is memory on many machines."""


class Spool:
    """Takes at most `limit` bytes in order and gives them back. The file has no name and ends with this object.

    Raises ImagingError when there are more bytes, and StorageError when the disk does not take them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        folder = os.environ.get("TMPDIR", DIRECTORY)
        self._folder = folder if os.path.isdir(folder) else None
        # It lives as long as this object.
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=self._folder)  # noqa: SIM115

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep `data` behind what is kept already."""
        self._size += len(data)
        if self._size > self._limit:
            raise ImagingError(f"The page takes more than the {self._limit} bytes that may be kept of it.")
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error

    def forward(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to `end`, first to last; everything where nothing is said."""
        end = self._size if end is None else end
        yield from self._blocks(range(start, end, BLOCK_BYTES), BLOCK_BYTES, end)

    def from_end(self, record: int, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The same as blocks of whole records of `record` bytes: the last block first, each in its own order."""
        end = self._size if end is None else end
        at_once = max(1, BLOCK_BYTES // record) * record
        starts = range(start + (end - start - 1) // at_once * at_once, start - 1, -at_once) if end > start else ()
        yield from self._blocks(starts, at_once, end)

    def backward(self, record: int) -> Iterator[bytes]:
        """Everything as records of `record` bytes, last to first; each record's own bytes stay in order."""
        for block in self.from_end(record):
            yield b"".join([block[start : start + record] for start in range(len(block) - record, -1, -record)])

    def clear(self) -> None:
        """Forget everything."""
        self._size = 0
        self._file.seek(0)
        self._file.truncate()

    def _blocks(self, starts: range | tuple[()], length: int, end: int) -> Iterator[bytes]:
        for start in starts:
            try:
                # Where the disk is full, what was not written yet comes to light here.
                self._file.seek(start)
                data = self._file.read(min(length, end - start))
                # What is written next goes behind what is kept, also while somebody is still reading.
                self._file.seek(self._size)
            except OSError as error:
                raise self._failed(error) from error
            yield data

    def _failed(self, error: OSError) -> StorageError:
        where = self._folder or tempfile.gettempdir()
        return StorageError(f"The page cannot be kept in {where} until it is whole: {error.strerror}.")
