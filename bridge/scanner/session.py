"""One open device: its options, its pages, and the ways to stop it.

Two threads meet here. The main thread does everything; the control thread only calls `cancel_soon`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import sane

from bridge.imaging.pixels import Frame
from bridge.scanner.cancellation import Cancellation
from bridge.scanner.descriptors import MAX_OPTIONS, Option, Options, Value, from_sane
from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import MESSAGES, PixelReader, load_library, status_texts
from bridge.scanner.protocol import Status

CANCEL_DISTANCE_S = 0.003
"""Time between a start and a cancel: right behind each other they can dead-lock a backend (feasibility-sane.md 1.3)."""

CANCEL_PATIENCE_S = 1.0
"""How long a cancel waits for the read under way to end by itself, before it is cancelled from outside."""

NOT_OPENED = "The scanner cannot be opened: another program is using it, or it was just unplugged; try again later."
"""For a person: what a driver means that calls a name invalid which it has given itself."""

READ_BYTES = 256 * 1024
"""The buffer for pixels; a longer row makes it longer."""

_VALUES = frozenset(
    f"{prefix}{name}"
    for prefix, names in (
        ("", ("resolution", "scan-resolution")),
        ("x-", ("resolution",)),
        ("y-", ("resolution",)),
        ("tl-", ("x", "y")),
        ("br-", ("x", "y")),
    )
    for name in names
)
"""Options whose values are read; reading others can cost a USB transfer each."""


class Backend:
    """libsane in this process, started once and never ended: its own end can dead-lock."""

    def __init__(self, after_driver_code: Callable[[], None] = lambda: None) -> None:
        """Start libsane.

        `after_driver_code` is called after calls that may change the process's signal handlers.
        """
        sane.init()
        self.library = load_library()
        self._texts = status_texts(self.library)
        self.after_driver_code = after_driver_code

    def failure(self, error: Exception, doing: str) -> ScanFailure:
        """`error` of python-sane, raised while `doing` something, as a failure with its status."""
        status = self._texts.get(str(error))
        if status is None:
            return ScanFailure(Status.IO_ERROR, f"The scanner's driver failed while {doing}: {error}"[:500])
        return ScanFailure(status, MESSAGES[status])

    def open(self, name: str, cancellation: Cancellation, *, survives_cancel: bool = True) -> Session:
        """Open the device `name`; what runs on it ends once `cancellation` is set. Raises ScanFailure.

        A device that survives no cancel in mid-page has its page read to the end first.
        """
        if not name:
            # libsane takes an empty name for the first scanner that it finds.
            raise ScanFailure(Status.INVALID, "No scanner is named.")
        try:
            device = sane.open(name)
        except Exception as error:
            failure = self.failure(error, "opening the scanner")
            if failure.status is Status.INVALID:
                # What xerox_mfp and others say when they cannot claim the device; no setting is in play yet.
                failure = ScanFailure(Status.DEVICE_BUSY, NOT_OPENED)
            raise failure from error
        finally:
            self.after_driver_code()
        return Session(self, device, cancellation, survives_cancel=survives_cancel)


class Session:
    """An open device. Every method raises ScanFailure when the device fails."""

    def __init__(
        self, backend: Backend, device: Any, cancellation: Cancellation, *, survives_cancel: bool = True
    ) -> None:
        self._backend = backend
        self._cancellation = cancellation
        self._device = device
        self._raw = device.dev
        self._reader: PixelReader | None = None
        self._known: Options | None = None
        self._plain: list[tuple[Any, Option | None]] = []
        self._started_at = 0.0
        self._active = False
        self._survives_cancel = survives_cancel
        self._in_page = False
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()

    # -- options -----------------------------------------------------------------------------

    def options(self) -> Options:
        """The options as they are now; see `_VALUES` for which have their value.

        They are read again after something was set or scanned, not before: each of the values can take a USB transfer.
        """
        if self._known is None:
            self._known = Options(self._with_values())
        return self._known

    def listed_options(self) -> list[Option]:
        """All options in the device's order, with the groups that they stand in and without values."""
        return [option for row in self._rows() if (option := from_sane(row)) is not None]

    def look(self, option: Option) -> Value:
        """What `option` holds now."""
        try:
            value: Value = self._raw.get_option(option.index)
        except Exception as error:
            raise self._backend.failure(error, f"reading {option.name}") from error
        return value

    def _rows(self) -> list[Any]:
        try:
            rows: list[Any] = self._raw.get_options()
        except Exception as error:
            raise self._backend.failure(error, "reading its options") from error
        return rows[:MAX_OPTIONS]

    def _with_values(self) -> Iterator[Option]:
        rows = self._rows()
        before = self._plain if len(self._plain) == len(rows) else [(None, None)] * len(rows)
        # Most settings change no other option, and describing one takes longer than comparing it.
        self._plain = [
            (row, option if row == same else from_sane(row)) for row, (same, option) in zip(rows, before, strict=True)
        ]
        for _, option in self._plain:
            if option is not None:
                yield self._with_value(option)

    def _with_value(self, option: Option) -> Option:
        if option.name not in _VALUES or not (option.active and option.readable and option.scalar):
            return option
        try:
            return replace(option, value=self._raw.get_option(option.index))
        except Exception:
            # An option that cannot be read is one without a value.
            return option

    def set(self, option: Option, value: Value) -> None:
        """Set `option` to `value`."""
        if option.type == "fixed":
            value = float(value)
        self._known = None
        try:
            self._raw.set_option(option.index, value)
        except Exception as error:
            raise self._backend.failure(error, f"setting {option.name}") from error

    # -- pages -------------------------------------------------------------------------------

    def start(self) -> Frame:
        """Start the next page; returns its shape. A cancel that came meanwhile raises ScanFailure(cancelled)."""
        self._cancellation.check()
        self._known = None
        try:
            self._active = True
            self._raw.start()
            self._started_at = time.monotonic()
            kind, last, (width, lines), depth, stride = self._raw.get_parameters()
        except Exception as error:
            raise self._backend.failure(error, "starting the scan") from error
        finally:
            self._backend.after_driver_code()
        self._in_page = True
        self._cancellation.check()
        return Frame(str(kind), bool(last), int(width), int(lines), int(depth), int(stride))

    def read(self, start: int, length: int) -> int | None:
        """Read as `PixelReader.read` does; a cancel that came meanwhile raises ScanFailure(cancelled)."""
        # First busy, then the question: in the other order a cancel could fall between and find nothing to do.
        self._idle.clear()
        try:
            self._cancellation.check()
            count = self._read(start, length)
        finally:
            with self._lock:
                self._idle.set()
        self._cancellation.check()
        if count == 0:
            # Nothing yet: the standard allows it, and asking again at once would only burn the processor.
            self._cancellation.wait(CANCEL_DISTANCE_S)
        return count

    def _read(self, start: int, length: int) -> int | None:
        """Read, and notice the end of the page."""
        assert self._reader is not None
        try:
            count = self._reader.read(start, length)
        except ScanFailure:
            self._in_page = False
            raise
        self._in_page = count is not None
        return count

    def buffer(self, stride: int) -> memoryview:
        """The buffer that `read` fills: at least one row of `stride` bytes."""
        capacity = max(READ_BYTES, stride)
        if self._reader is None or len(self._reader.buffer) < capacity:
            self._reader = PixelReader(self._backend.library, self._raw, capacity)
        return self._reader.buffer

    def stop(self) -> None:
        """End the batch of pages: the feeder ejects, the carriage goes home. Harmless when nothing was started."""
        if not self._active:
            return
        if not self._survives_cancel:
            self._finish_page()
        time.sleep(max(0.0, self._started_at + CANCEL_DISTANCE_S - time.monotonic()))
        self._active = False
        try:
            self._raw.cancel()
        except Exception as error:
            raise self._backend.failure(error, "stopping the scan") from error

    def _finish_page(self) -> None:
        """Read the page under way to its end, for nobody. How long that may take is the daemon's business."""
        room = len(self.buffer(1))
        while self._in_page:
            try:
                if self._read(0, room) == 0:
                    time.sleep(CANCEL_DISTANCE_S)
            except ScanFailure:
                return

    def close(self) -> None:
        """Stop and give the device back."""
        self.stop()
        self._reader = None
        self._raw.close()

    # -- from the control thread -------------------------------------------------------------

    def cancel_soon(self) -> None:
        """Let whatever runs end as cancelled, soon.

        The read under way mostly ends by itself within the patience, and the main thread then stops the device;
        only a read that hangs is cancelled from here, which SANE allows but not every backend likes.
        """
        self._cancellation.set()
        if not self._survives_cancel:
            return
        if self._idle.wait(CANCEL_PATIENCE_S):
            return
        with self._lock:
            if not self._idle.is_set():
                self._active = False
                self._raw.cancel()
