"""The image pipe's end in the daemon: large pieces, and an end like Twisted's own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.process import ProcessReader

from bridge.scanner.imagepipe import PIPE_BYTES, widen


class Heard:
    """Stands for Twisted's process: remembers what its reader hands over."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def childDataReceived(self, name: int, data: bytes) -> None:
        self.pieces.append(data)


class NoReactor:
    """Readers announce themselves to it, and nothing comes of that."""

    def addReader(self, reader: Any) -> None:
        pass

    removeReader = addReader


@pytest.fixture
def pipe() -> Iterator[tuple[ProcessReader, int, Heard]]:
    """A widened reader, the end to write to, and what was heard."""
    read, write = os.pipe()
    heard = Heard()
    reader = ProcessReader(NoReactor(), heard, 3, read)  # type: ignore[no-untyped-call]
    widen(reader)
    os.set_blocking(write, False)
    yield reader, write, heard
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            pass


def test_a_full_pipe_comes_as_one_piece(pipe: tuple[ProcessReader, int, Heard]) -> None:
    """The pipe holds PIPE_BYTES, and they are handed over at once."""
    reader, write, heard = pipe
    data = bytes(range(256)) * (PIPE_BYTES // 256)
    assert os.write(write, data) == PIPE_BYTES
    assert reader.doRead() is None
    assert heard.pieces == [data]


def test_an_empty_pipe_is_no_end(pipe: tuple[ProcessReader, int, Heard]) -> None:
    """Nothing to read means waiting; only the writer's leaving is the end."""
    reader, write, heard = pipe
    assert reader.doRead() is None
    os.close(write)
    assert reader.doRead() is CONNECTION_DONE
    assert heard.pieces == []


def test_a_broken_pipe_is_lost(pipe: tuple[ProcessReader, int, Heard]) -> None:
    """An error of the system ends the reader."""
    reader, _, _ = pipe
    os.close(reader.fd)
    assert reader.doRead() is CONNECTION_LOST


def test_a_pipe_that_cannot_grow_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives no larger pipe, images come in smaller pieces."""

    def refuse(*arguments: Any) -> int:
        raise PermissionError(1, "Operation not permitted")

    read, write = os.pipe()
    heard = Heard()
    reader = ProcessReader(NoReactor(), heard, 3, read)  # type: ignore[no-untyped-call]
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    widen(reader)
    monkeypatch.undo()
    os.write(write, b"image")
    assert reader.doRead() is None
    assert heard.pieces == [b"image"]
    os.close(read)
    os.close(write)
