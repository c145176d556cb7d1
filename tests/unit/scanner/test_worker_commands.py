"""What the worker makes of its commands, with a played backend: when it stops the device, and what it answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.imaging.pixels import Frame
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.channel import Events
from bridge.scanner.failure import ScanFailure
from bridge.scanner.model import ColorMode, Format, InputSource, Region, Resolution, ScanRequest
from bridge.scanner.protocol import (
    Cancel,
    Close,
    Closed,
    Describe,
    Failed,
    ImageDone,
    Open,
    Opened,
    StartImage,
    Status,
    Trouble,
    read_frame,
    write_frame,
)
from bridge.scanner.quirks import Quirks
from bridge.scanner.worker import Worker
from tests.fakes.dump_device import DumpDevice

JAM = ScanFailure(Status.JAMMED, "Paper is jammed.")


def request(source: InputSource = InputSource.PLATEN) -> ScanRequest:
    region = Region(0, 0, 80, 80)
    return ScanRequest(source, ColorMode.GRAYSCALE_8, Format.JFIF, Resolution(100, 100), region, 8, 8)


class PlayedSession(DumpDevice):
    """The virtual scanner's options and pages of 8 x 8 pixels; `calls` are those that matter to a device."""

    calls: list[str]
    cancellation: Cancellation
    failure: Exception | None = None
    waits_for_cancel = False
    jams_at = 0

    @classmethod
    def make(cls) -> PlayedSession:
        session = cls.from_dump("sane-test")
        assert isinstance(session, PlayedSession)
        session.calls = []
        return session

    def start(self) -> Frame:
        self.calls.append("start")
        if self.waits_for_cancel:
            assert self.cancellation.wait(60)
        if self.failure is not None:
            raise self.failure
        if self.calls.count("start") == self.jams_at:
            raise JAM
        self._rest = 64
        return Frame("gray", True, 8, 8, 8, 8)

    def buffer(self, stride: int) -> memoryview:
        return memoryview(bytes(64))

    def read(self, start: int, length: int) -> int | None:
        count, self._rest = min(length, self._rest), self._rest - min(length, self._rest)
        return count or None

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")

    def cancel_soon(self) -> None:
        self.calls.append("cancel")


class PlayedBackend:
    """Opens `session`, or fails with `failure`."""

    def __init__(self, session: PlayedSession) -> None:
        self._session = session
        self.failure: ScanFailure | None = None

    def open(self, name: str, cancellation: Cancellation, *, survives_cancel: bool = True) -> PlayedSession:
        if self.failure is not None:
            raise self.failure
        self._session.calls.append(f"open {name}" if survives_cancel else f"open {name} without cancel")
        self._session.cancellation = cancellation
        return self._session


class Stage:
    """A worker in this process, its commands and its events."""

    def __init__(self) -> None:
        self.session = PlayedSession.make()
        self.backend = PlayedBackend(self.session)
        self._command_read, self._command_write = os.pipe()
        event_read, self._event_write = os.pipe()
        self._image_read, self._image_write = os.pipe()
        self._events = os.fdopen(event_read, "rb")
        backend: Any = self.backend
        self._worker = Worker(backend, Events(self._event_write), self._image_write)
        self.status: list[int] = []
        self._threads = [
            threading.Thread(target=lambda: self.status.append(self._worker.run())),
            threading.Thread(target=self._worker.listen, args=(self._command_read,)),
        ]
        for thread in self._threads:
            thread.start()

    def send(self, *commands: Any) -> None:
        os.write(self._command_write, b"".join(write_frame(command) for command in commands))

    def next(self) -> Any:
        return read_frame(self._events.readline())

    def until(self, kind: Any) -> list[Any]:
        """The events up to and with the first of `kind`."""
        events = [self.next()]
        while not isinstance(events[-1], kind):
            events.append(self.next())
        return events

    def join(self) -> None:
        """Wait until the worker has ended."""
        self._threads[0].join()

    def end(self) -> None:
        """Close the commands, which ends the worker, and everything else."""
        os.close(self._command_write)
        for thread in self._threads:
            thread.join()
        for fd in (self._command_read, self._event_write, self._image_read, self._image_write):
            os.close(fd)
        self._events.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.end()


def test_the_glass_is_stopped_after_each_image(stage: Stage) -> None:
    """After an image from the glass the carriage goes home at once."""
    stage.send(Open("test:0", request()), StartImage(), StartImage(), Close())
    stage.until(Closed)
    assert stage.session.calls == ["open test:0", "start", "stop", "start", "stop", "close"]


def test_a_feeder_is_not_stopped_between_its_pages(stage: Stage) -> None:
    """Between pages nothing is cancelled, which would make many feeders throw out the next sheet."""
    stage.send(Open("test:0", request(InputSource.ADF)), StartImage(), StartImage(), Close())
    stage.until(Closed)
    assert stage.session.calls == ["open test:0", "start", "start", "close"]


def test_a_scanner_that_survives_no_cancel_is_opened_as_such(stage: Stage) -> None:
    """What is known of the scanner reaches its session."""
    stage.send(Open("test:0", request(), Quirks(survives_cancel=False)), Close())
    stage.until(Closed)
    assert stage.session.calls == ["open test:0 without cancel", "close"]


def test_a_stack_that_was_cut_short_ends_the_batch(stage: Stage) -> None:
    """A multi-page file that ends by a jam is delivered, says so, and the feeder is stopped as after any jam."""
    stage.session.jams_at = 3
    asked = replace(request(InputSource.ADF), format=Format.PDF_A, images=0)
    stage.send(Open("test:0", asked), StartImage())
    done = stage.until(ImageDone)[-1]
    assert done.trouble == Trouble(Status.JAMMED, "Paper is jammed.")
    assert stage.session.calls == ["open test:0", "start", "start", "start", "stop"]


def test_a_failed_image_stops_the_device(stage: Stage) -> None:
    """After a failure the batch is ended, also in a feeder; the failure is told as it was."""
    stage.session.failure = JAM
    stage.send(Open("test:0", request(InputSource.ADF)), StartImage())
    assert isinstance(stage.next(), Opened)
    assert stage.next() == Failed(Status.JAMMED, "Paper is jammed.")
    assert stage.session.calls == ["open test:0", "start", "stop"]


@pytest.mark.parametrize("failure", [JAM, None, ZeroDivisionError("a bug")])
def test_whatever_ends_after_a_cancel_is_a_cancel(stage: Stage, failure: Exception | None) -> None:
    """A jam, a whole page or a bug after Cancel are all told as cancelled: backends end in every way then."""
    stage.session.waits_for_cancel = True
    stage.session.failure = failure
    stage.send(Open("test:0", request()), StartImage())
    assert isinstance(stage.next(), Opened)
    stage.send(Cancel())
    failed = stage.until((Failed, ImageDone))[-1]
    assert isinstance(failed, Failed)
    assert failed.status is Status.CANCELLED
    # Commands are followed in order, so by then the control thread is done with the cancel.
    stage.send(Close())
    stage.until(Closed)
    assert "cancel" in stage.session.calls


def test_a_bug_is_told_and_survived(stage: Stage) -> None:
    """An unexpected exception is a failure with its text, and the worker still closes in order."""
    stage.session.failure = ZeroDivisionError("a bug")
    stage.send(Open("test:0", request()), StartImage(), Close())
    assert isinstance(stage.next(), Opened)
    failed = stage.next()
    assert failed.status is Status.IO_ERROR
    assert "a bug" in failed.message
    assert isinstance(stage.next(), Closed)


def test_a_failed_set_up_gives_the_device_back(stage: Stage) -> None:
    """When the source is missing the device is closed again and another job can open it."""
    stage.send(Open("test:0", request(InputSource.ADF_DUPLEX)), Open("test:0", request()))
    assert stage.next().status is Status.UNSUPPORTED
    assert isinstance(stage.next(), Opened)
    assert stage.session.calls == ["open test:0", "close", "open test:0"]


def test_describing_gives_the_device_back(stage: Stage) -> None:
    """Describe leaves no device open, whether it worked or not."""
    stage.send(Describe("test:0", "flatbed scanner"))
    assert stage.next().capabilities.sources == (InputSource.PLATEN, InputSource.ADF)
    assert stage.session.calls == ["open test:0", "close"]
    stage.backend.failure = ScanFailure(Status.ACCESS_DENIED, "No.")
    stage.send(Describe("test:0"))
    assert stage.next() == Failed(Status.ACCESS_DENIED, "No.")


def test_commands_without_number_are_refused(stage: Stage) -> None:
    """More commands than MAX_WAITING under way are no daemon of ours: the worker ends with a failure."""
    stage.session.waits_for_cancel = True
    stage.send(Open("test:0", request()), *[StartImage()] * 30)
    statuses = [event.status for event in stage.until(Closed) if isinstance(event, Failed)]
    assert statuses.count(Status.PROTOCOL) == 1
    assert set(statuses) == {Status.PROTOCOL, Status.CANCELLED}
    stage.join()
    assert stage.status == [1]
