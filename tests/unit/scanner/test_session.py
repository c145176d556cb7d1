"""One open device and the two threads that meet at it, with a played python-sane."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.imaging.pixels import Frame
from bridge.scanner import session as session_module
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import Status
from bridge.scanner.session import CANCEL_DISTANCE_S, Session


class PlayedTime:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class PlayedSane:
    """python-sane's device object; `calls` are the calls of it and of the reader, in order."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.parameters: tuple[Any, ...] = ("color", 1, (10, 20), 8, 30)
        self.rows: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.on_start = lambda: None

    def start(self) -> None:
        self.calls.append("start")
        self.on_start()
        if self.error is not None:
            raise self.error

    def get_parameters(self) -> tuple[Any, ...]:
        return self.parameters

    def cancel(self) -> None:
        self.calls.append("cancel")

    def close(self) -> None:
        self.calls.append("close")

    def get_options(self) -> list[tuple[Any, ...]]:
        return self.rows

    def get_option(self, index: int) -> Any:
        self.calls.append(("get", index))
        if index == 4:
            raise RuntimeError("cannot be read")
        return 300

    def set_option(self, index: int, value: Any) -> int:
        self.calls.append(("set", index, value))
        if self.error is not None:
            raise self.error
        return 0


class PlayedReader:
    """A sane_read that blocks while `hangs`, until the device is cancelled or `release` is set."""

    def __init__(self, sane: PlayedSane) -> None:
        self._sane = sane
        self.release = threading.Event()
        self.entered = threading.Event()
        self.result: int | None = 5
        self.buffer = memoryview(bytes(100))

    def read(self, start: int, length: int) -> int | None:
        self._sane.calls.append("read")
        self.entered.set()
        self.release.wait()
        return self.result


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> PlayedTime:
    played = PlayedTime()
    monkeypatch.setattr(session_module, "time", played)
    return played


def make(sane: PlayedSane) -> tuple[Session, PlayedReader, list[str]]:
    """A session on `sane`, its reader, and a list that gets an entry whenever signals were restored."""
    restored: list[str] = []

    def failure(error: Exception, doing: str) -> ScanFailure:
        return ScanFailure(Status.JAMMED, f"{doing}: {error}")

    backend: Any = SimpleNamespace(failure=failure, after_driver_code=lambda: restored.append("restored"))
    found = Session(backend, SimpleNamespace(dev=sane), Cancellation())
    reader = PlayedReader(sane)
    found._reader = reader  # type: ignore[assignment]
    return found, reader, restored


def test_a_start_gives_the_shape_of_the_page(clock: PlayedTime) -> None:
    """The parameters are asked after the start, when they are true, and signals are restored."""
    sane = PlayedSane()
    found, _, restored = make(sane)
    assert found.start() == Frame("color", True, 10, 20, 8, 30)
    assert restored == ["restored"]


def test_a_cancel_waits_for_the_read_under_way(monkeypatch: pytest.MonkeyPatch, clock: PlayedTime) -> None:
    """A read that ends in time is not disturbed; the main thread then stops the device itself, once."""
    monkeypatch.setattr(session_module, "CANCEL_PATIENCE_S", 60)
    sane = PlayedSane()
    found, reader, _ = make(sane)
    found.start()
    control = threading.Thread(target=lambda: (reader.entered.wait(), found.cancel_soon()))
    control.start()
    threading.Thread(target=lambda: (found._cancellation.wait(60), reader.release.set())).start()
    with pytest.raises(ScanFailure) as caught:
        found.read(0, 10)
    control.join()
    assert caught.value.status is Status.CANCELLED
    assert sane.calls == ["start", "read"]
    found.stop()
    found.stop()
    assert sane.calls == ["start", "read", "cancel"]


def test_a_read_that_hangs_is_cancelled_from_outside(monkeypatch: pytest.MonkeyPatch, clock: PlayedTime) -> None:
    """After the patience the control thread cancels the device, once for all."""
    monkeypatch.setattr(session_module, "CANCEL_PATIENCE_S", 0.01)
    sane = PlayedSane()
    found, reader, _ = make(sane)
    original = sane.cancel

    def cancel() -> None:
        original()
        reader.release.set()

    sane.cancel = cancel  # type: ignore[method-assign]
    found.start()
    control = threading.Thread(target=lambda: (reader.entered.wait(), found.cancel_soon()))
    control.start()
    with pytest.raises(ScanFailure) as caught:
        found.read(0, 10)
    control.join()
    assert caught.value.status is Status.CANCELLED
    found.close()
    assert sane.calls == ["start", "read", "cancel", "close"]


def test_a_cancel_during_the_start_is_carried_out_after_it(clock: PlayedTime) -> None:
    """While a start runs the device is not cancelled; behind it, never sooner than CANCEL_DISTANCE_S."""
    sane = PlayedSane()
    found, _, _ = make(sane)
    sane.on_start = found.cancel_soon
    with pytest.raises(ScanFailure) as caught:
        found.start()
    assert caught.value.status is Status.CANCELLED
    assert sane.calls == ["start"]
    found.stop()
    assert sane.calls == ["start", "cancel"]
    assert sum(clock.slept) == pytest.approx(CANCEL_DISTANCE_S)


def test_nothing_starts_or_reads_after_a_cancel(clock: PlayedTime) -> None:
    """Once cancelled, neither a start nor a read reaches the device."""
    sane = PlayedSane()
    found, _, _ = make(sane)
    found.cancel_soon()
    for call in (found.start, lambda: found.read(0, 10)):
        with pytest.raises(ScanFailure) as caught:
            call()
        assert caught.value.status is Status.CANCELLED
    found.close()
    assert sane.calls == ["close"]


def test_a_failed_start_is_stopped_as_well(clock: PlayedTime) -> None:
    """After a start that failed the device is cancelled too, as SANE wants at the end of a batch."""
    sane = PlayedSane()
    sane.error = RuntimeError("Document feeder jammed")
    found, _, _ = make(sane)
    with pytest.raises(ScanFailure, match="starting the scan: Document feeder jammed"):
        found.start()
    found.close()
    assert sane.calls == ["start", "cancel", "close"]


def test_only_resolutions_and_corners_are_read(clock: PlayedTime) -> None:
    """Values cost transfers on USB, so only those that matter are read; one that cannot be read has none."""
    sane = PlayedSane()
    sane.rows = [
        (1, "resolution", "", "", 1, 4, 4, 5, [75, 300]),
        (2, "brightness", "", "", 1, 0, 4, 5, (0, 9, 1)),
        (3, "tl-x", "", "", 2, 3, 4, 5 | 32, (0.0, 9.0, 0.0)),
        (4, "br-x", "", "", 2, 3, 4, 5, (0.0, 9.0, 0.0)),
        (5, "x-resolution", "", "", 1, 4, 40, 5, None),
        (6, "y-resolution", "", "", 99, 4, 4, 5, None),
        ("nonsense",),
    ]
    found, _, _ = make(sane)
    options = found.options()
    assert sane.calls == [("get", 1), ("get", 4)]
    assert options.number("resolution") == 300
    assert [option.name for option in options] == ["resolution", "brightness", "tl-x", "br-x", "x-resolution"]
    fixed = options.get("br-x")
    assert fixed is not None
    assert fixed.value is None
    found.set(fixed, 7)
    assert sane.calls[-1] == ("set", 4, 7.0)
    assert isinstance(sane.calls[-1][2], float)


def test_options_are_read_again_only_after_a_change(clock: PlayedTime) -> None:
    """Asked again, the options are known; a setting, even a refused one, and a start make them be read anew."""
    sane = PlayedSane()
    sane.rows = [(1, "resolution", "", "", 1, 4, 4, 5, [75, 300])]
    found, _, _ = make(sane)

    def reads() -> int:
        found.options()
        found.options()
        return sane.calls.count(("get", 1))

    assert reads() == 1
    resolution = found.options().get("resolution")
    assert resolution is not None
    found.set(resolution, 75)
    assert reads() == 2
    sane.error = RuntimeError("refused")
    with pytest.raises(ScanFailure):
        found.set(resolution, 300)
    assert reads() == 3
    sane.error = None
    found.start()
    assert reads() == 4


def test_a_longer_row_gets_a_longer_buffer(clock: PlayedTime) -> None:
    """The buffer is kept from page to page while a row fits into it."""
    found, reader, _ = make(PlayedSane())
    reader.buffer = memoryview(bytes(session_module.READ_BYTES))
    assert found.buffer(10) is reader.buffer
