"""The seams between the folders: what one side promises and the other relies on.

Jobs reach a scanner through `Scanner` and `ScanSession` and hear of an image through `ImageSink`; they know no
process, no pipe and no SANE. The supervisor implements the first two, the queue's buffer the third.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred

from bridge.errors import ScannerError
from bridge.scanner.model import Capabilities, InputSource, ScanRequest
from bridge.scanner.status import ScannerStatus


class ImageSink(Protocol):
    """Hears what becomes of one image, in this order: started, data and page_scanned mixed, then done or failed.

    Just before done, cut_short may say why pages are missing.
    """

    def image_started(self) -> None:
        """The scanner has delivered its first line."""

    def image_data(self, data: bytes) -> None:
        """The next bytes of the file."""

    def page_scanned(self) -> None:
        """One image is digitised whole; in a multi-page file this comes once a page."""

    def image_cut_short(self, error: ScannerError) -> None:
        """The file is good as far as it goes; `error` kept further pages from coming into it."""

    def image_done(self) -> None:
        """The file is complete, and all its bytes were handed over."""

    def image_failed(self, error: ScannerError) -> None:
        """The image came to nothing; may come at any moment before image_done, also before image_started."""


class ScanSession(Protocol):
    """A scanner opened for one job."""

    def start_image(self, sink: ImageSink) -> None:
        """Scan the next file into `sink`. Only one at a time; after NO_DOCUMENTS there are no more."""

    def pause(self) -> None:
        """Hand over no more data until `resume`; the scanner halts when its pipe is full."""

    def resume(self) -> None:
        """Go on handing over data."""

    def cancel(self) -> None:
        """Stop scanning now; the image under way fails with status cancelled, whatever the scanner does."""

    def close(self) -> Deferred[None]:
        """Stop what is under way and give the scanner back.

        Fires when another job may open it; never fails.
        """


class Scanner(Protocol):
    """One scanner, ready for jobs one after the other."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @property
    def status(self) -> ScannerStatus:
        """What it is doing."""

    def open(self, request: ScanRequest) -> Deferred[ScanSession]:
        """Open it for one job. Fails with ScannerError."""

    def loaded_source(self) -> InputSource:
        """The source that a job without one takes: the loaded feeder if that can be told, else the glass."""

    def feeder_is_empty(self) -> bool:
        """Whether it is known that the feeder holds no paper; False where nobody can tell."""
