"""A scanner for unit tests that does what the test tells it, step by step.

`tests/unit/scanner/test_scanner_contract.py` holds it and the real supervised scanner to the same promises.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.errors import ScannerError
from bridge.interfaces import ImageSink, ScanSession
from bridge.jobs.order import JobOrder
from bridge.scanner.model import (
    Capabilities,
    ColorMode,
    Format,
    InputSource,
    Region,
    Resolution,
    ScanRequest,
    Size,
    SourceCapabilities,
)
from bridge.scanner.status import ScannerStatus

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

GLASS = SourceCapabilities(
    Resolution(1200, 1200),
    (75, 100, 150, 200, 300, 600, 1200),
    (ColorMode.RGB_24, ColorMode.GRAYSCALE_8),
    Size(100, 100),
    Size(8500, 11700),
)

FLATBED_AND_FEEDER = Capabilities((Format.EXIF, Format.JFIF), GLASS, GLASS)


def utc(clock: Clock) -> datetime:
    """The time of `clock` as a date."""
    return START + timedelta(seconds=clock.seconds())


class ScriptedSession:
    """One opened scanner; the test speaks to the queue through `sink`."""

    def __init__(self, scanner: ScriptedScanner, request: ScanRequest) -> None:
        self._scanner = scanner
        self.request = request
        self.sink: ImageSink | None = None
        self.started = 0
        self.paused = False
        self.closed: Deferred[None] | None = None

    def start_image(self, sink: ImageSink) -> None:
        self.started += 1
        self.sink = sink

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def cancel(self) -> None:
        sink, self.sink = self.sink, None
        if sink is not None:
            sink.image_failed(ScannerError("cancelled", "the scan was cancelled"))

    def close(self) -> Deferred[None]:
        self.sink = None
        self.closed = Deferred()
        if self._scanner.closes_at_once:
            self.closed.callback(None)
        return self.closed

    def page(self, data: bytes = b"page") -> None:
        """Deliver one whole single-page image."""
        assert self.sink is not None
        sink = self.sink
        sink.image_started()
        sink.image_data(data)
        sink.page_scanned()
        self.sink = None
        sink.image_done()

    def fail(self, status: str) -> None:
        """End the image under way with `status`."""
        sink, self.sink = self.sink, None
        assert sink is not None
        sink.image_failed(ScannerError(status, f"scripted {status}"))


class ScriptedScanner:
    """`bridge.interfaces.Scanner`; `sessions` are all that were opened, the newest last."""

    name = "Scripted"

    def __init__(self, clock: Clock, capabilities: Capabilities = FLATBED_AND_FEEDER) -> None:
        self.capabilities = capabilities
        self.status = ScannerStatus(lambda: utc(clock))
        self.sessions: list[ScriptedSession] = []
        self.openings: list[Deferred[ScanSession]] = []
        self.opens_at_once = True
        self.closes_at_once = True
        self.loaded = InputSource.PLATEN
        self.feeder_empty = False

    def open(self, request: ScanRequest) -> Deferred[ScanSession]:
        opening: Deferred[ScanSession] = Deferred()
        self.openings.append(opening)
        self._request = request
        if self.opens_at_once:
            self.let_open()
        return opening

    def let_open(self) -> None:
        """Let the opening under way succeed."""
        session = ScriptedSession(self, self._request)
        self.sessions.append(session)
        self.openings[-1].callback(session)

    def refuse(self, status: str) -> None:
        """Let the opening under way fail."""
        self.openings[-1].errback(ScannerError(status, f"scripted {status}"))

    def loaded_source(self) -> InputSource:
        return self.loaded

    def feeder_is_empty(self) -> bool:
        return self.feeder_empty

    @property
    def session(self) -> ScriptedSession:
        """The session that was opened last."""
        return self.sessions[-1]


def request(source: InputSource = InputSource.PLATEN, kind: Format = Format.JFIF) -> ScanRequest:
    """A small request for `source` as a file of `kind`."""
    return ScanRequest(
        source, ColorMode.RGB_24, kind, Resolution(100, 100), Region(0, 0, 1000, 1000), 100, 100
    )


def order(
    source: InputSource = InputSource.PLATEN, images: int = 1, owner: str = "192.0.2.1", kind: Format = Format.JFIF
) -> JobOrder:
    """An order of `images` images from `source` by the client at `owner`."""
    return JobOrder("letters", "ada", "", request(source, kind), images, owner)
