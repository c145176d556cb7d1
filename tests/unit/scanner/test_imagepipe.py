"""The image's way from a worker to the daemon: large pieces, and an end like that of Twisted's own pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from bridge.scanner.imagepipe import HELD_BYTES, READ_BYTES, ImageReader, ImageWay
from bridge.scanner.protocol import EVENT_FD, IMAGE_FD
from tests.real_reactor import run


class NoReactor:
    """Readers announce themselves to it, and nothing comes of that."""

    def addReader(self, reader: Any) -> None:
        pass

    removeReader = addReader


class EventReader:
    """The reader of another pipe, which knows its reactor."""

    reactor = NoReactor()


class Heard:
    """Stands for Twisted's process: remembers what its reader hands over."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.pipes: dict[int, Any] = {EVENT_FD: EventReader()}

    def childDataReceived(self, name: int, data: bytes) -> None:
        assert name == IMAGE_FD
        self.pieces.append(data)


@pytest.fixture
def way() -> Iterator[tuple[ImageReader, int, Heard]]:
    """A reader, the worker's end, and what was heard."""
    made = ImageWay()
    worker = os.dup(made.workers_end)
    heard = Heard()
    made.attach(heard)  # type: ignore[arg-type]
    reader = heard.pipes[IMAGE_FD]
    os.set_blocking(worker, False)
    yield reader, worker, heard
    for descriptor in (reader.fd, worker):
        try:
            os.close(descriptor)
        except OSError:
            pass


def fill(worker: int) -> int:
    """Write until nothing more goes; how many bytes did."""
    written = 0
    try:
        while True:
            written += os.write(worker, bytes(READ_BYTES))
    except BlockingIOError:
        return written


def test_a_full_way_comes_in_large_pieces(way: tuple[ImageReader, int, Heard]) -> None:
    """It holds a bounded amount, which is read READ_BYTES at a time; then there is room again."""
    reader, worker, heard = way
    written = fill(worker)
    assert READ_BYTES <= written <= 2 * HELD_BYTES
    while sum(map(len, heard.pieces)) < written:
        assert reader.doRead() is None
    assert max(map(len, heard.pieces)) == READ_BYTES
    assert fill(worker) > 0


def test_an_empty_way_is_no_end(way: tuple[ImageReader, int, Heard]) -> None:
    """Nothing to read means waiting; only the worker's leaving is the end, after its last bytes."""
    reader, worker, heard = way
    assert reader.doRead() is None
    os.write(worker, b"last")
    os.close(worker)
    assert reader.doRead() is None
    assert reader.doRead() is CONNECTION_DONE
    assert heard.pieces == [b"last"]


def test_a_broken_way_is_lost(way: tuple[ImageReader, int, Heard]) -> None:
    """An error of the system ends the reader."""
    reader, _, _ = way
    os.close(reader.fd)
    assert reader.doRead() is CONNECTION_LOST


def test_nothing_goes_to_the_worker(way: tuple[ImageReader, int, Heard]) -> None:
    """The worker's end reads like a pipe's end: there is never anything."""
    _, worker, _ = way
    assert os.read(worker, 1) == b""


def test_a_worker_notices_that_nobody_reads(way: tuple[ImageReader, int, Heard]) -> None:
    """Once the daemon has closed its end, what the worker writes is refused."""
    reader, worker, _ = way
    os.close(reader.fd)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        os.write(worker, b"image")


def test_who_has_a_reader_keeps_it() -> None:
    """A process for which a pipe was made hears that one, and both ends of the way are closed."""
    made, heard = ImageWay(), Heard()
    heard.pipes[IMAGE_FD] = "its own"
    theirs = made.workers_end
    made.attach(heard)  # type: ignore[arg-type]
    assert heard.pipes[IMAGE_FD] == "its own"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(theirs)


class Collecting(ProcessProtocol):
    """Collects what a real process writes as its image."""

    def __init__(self) -> None:
        self.image = b""
        self.ended: Deferred[bytes] = Deferred()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        assert childFD == IMAGE_FD
        self.image += data

    def processEnded(self, reason: Failure) -> None:
        self.ended.callback(self.image)


WRITER = f"import os\nfor number in range(256): os.write({IMAGE_FD}, bytes([number]) * 4096)"


def test_a_real_process_is_heard_to_its_last_byte() -> None:
    """Twisted counts the way among the pipes of a process: it has ended only when the image was read whole."""

    async def write() -> bytes:
        from twisted.internet import reactor

        collecting, made = Collecting(), ImageWay()
        command = [sys.executable, "-c", WRITER]
        process = reactor.spawnProcess(  # type: ignore[attr-defined]
            collecting, sys.executable, command, childFDs={0: 0, 1: 1, 2: 2, IMAGE_FD: made.workers_end, EVENT_FD: "r"}
        )
        made.attach(process)
        return await collecting.ended

    assert run(write()) == b"".join(bytes([number]) * 4096 for number in range(256))
