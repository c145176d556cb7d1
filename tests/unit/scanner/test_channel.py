"""The worker's ends of its pipes, on real pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from bridge.scanner.cancellation import Cancellation
from bridge.scanner.channel import Events, ImagePipe, commands
from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import (
    MAX_FRAME,
    Cancel,
    Close,
    Describe,
    FrameError,
    Progress,
    Ready,
    StartImage,
    Status,
    read_frame,
    write_frame,
)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe's reading and writing end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


def feed(pipe: tuple[int, int], data: bytes) -> Iterator[object]:
    """The commands of a pipe that holds `data` and then ends."""
    os.write(pipe[1], data)
    os.close(pipe[1])
    return commands(pipe[0])


def test_commands_are_read_until_the_end(pipe: tuple[int, int]) -> None:
    """Whole lines are commands, however many come at once; half a line at the end is dropped."""
    data = write_frame(Describe("test:0")) + write_frame(StartImage()) + write_frame(Cancel()) + b'{"frame":"Clo'
    assert list(feed(pipe, data)) == [Describe("test:0"), StartImage(), Cancel()]


@pytest.mark.parametrize("data", [b"garbage\n", b"\n", b"\xff\xff\n", write_frame(Ready()), b'{"frame":"Nothing"}\n'])
def test_what_is_no_command_is_refused(pipe: tuple[int, int], data: bytes) -> None:
    """Garbage and events on the command pipe are errors, after the commands before them."""
    found = feed(pipe, write_frame(Close()) + data)
    assert next(found) == Close()
    with pytest.raises(FrameError):
        next(found)


def test_a_command_without_end_is_refused(pipe: tuple[int, int]) -> None:
    """A line that never ends is refused at the limit of a frame and not gathered on."""
    writer = threading.Thread(target=lambda: os.write(pipe[1], b"x" * (2 * MAX_FRAME)), daemon=True)
    writer.start()
    with pytest.raises(FrameError, match=str(MAX_FRAME)):
        next(commands(pipe[0]))


def test_events_of_two_threads_do_not_mix(pipe: tuple[int, int]) -> None:
    """Each event is a whole line, whichever thread writes it."""
    events = Events(pipe[1])
    count = 2000

    def write() -> None:
        for lines in range(count):
            events.tell(Progress(lines))

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    with os.fdopen(os.dup(pipe[0]), "rb") as lines:
        found = [read_frame(next(lines)) for _ in range(2 * count)]
    for thread in threads:
        thread.join()
    assert sum(frame.lines for frame in found if isinstance(frame, Progress)) == 2 * sum(range(count))


def test_image_bytes_wait_for_their_reader(pipe: tuple[int, int]) -> None:
    """More than the pipe holds is written as the reader takes it, complete and in order."""
    data = bytes(range(256)) * 4096
    writer = threading.Thread(target=ImagePipe(pipe[1], Cancellation()).write, args=(data,))
    writer.start()
    found = b""
    while len(found) < len(data):
        found += os.read(pipe[0], 65536)
    writer.join()
    assert found == data


def test_a_cancel_frees_a_writer_that_nobody_reads(pipe: tuple[int, int]) -> None:
    """A write into a full pipe ends as cancelled, at once, when the cancel comes."""
    cancellation = Cancellation()
    image = ImagePipe(pipe[1], cancellation)
    caught: list[ScanFailure] = []

    def write() -> None:
        try:
            image.write(bytes(65536 * 40))
        except ScanFailure as failure:
            caught.append(failure)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(timeout=0.1)
    assert writer.is_alive()
    cancellation.set()
    writer.join()
    assert caught[0].status is Status.CANCELLED


def test_a_reader_that_has_gone_is_a_cancel(pipe: tuple[int, int]) -> None:
    """When the daemon closed its end the scan ends like one that was cancelled."""
    os.close(pipe[0])
    with pytest.raises(ScanFailure) as caught:
        ImagePipe(pipe[1], Cancellation()).write(b"x")
    assert caught.value.status is Status.CANCELLED


def test_a_cancellation_is_set_once_and_for_good() -> None:
    """It may be set twice, and everything that looks at it sees it from then on."""
    cancellation = Cancellation()
    cancellation.check()
    assert not cancellation.is_set()
    assert not cancellation.wait(0)
    cancellation.set()
    cancellation.set()
    assert cancellation.is_set()
    assert cancellation.wait(0)
    assert os.read(cancellation.fileno(), 1) == b""
    with pytest.raises(ScanFailure) as caught:
        cancellation.check()
    assert caught.value.status is Status.CANCELLED
