"""A cancel that both a thread that computes and a thread that waits for a descriptor can see."""

from __future__ import annotations

import os
import threading

from bridge.scanner.failure import ScanFailure
from bridge.scanner.handle import MESSAGES
from bridge.scanner.protocol import Status


class Cancellation:
    """Set once, by any thread, and never cleared: a worker serves one job."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._read_end, self._write_end = os.pipe()

    def set(self) -> None:
        """Cancel; a second time changes nothing."""
        with self._lock:
            if not self._event.is_set():
                self._event.set()
                # The end of file stays, so every later poll of the other end sees it as well.
                os.close(self._write_end)

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; whether it is set then."""
        return self._event.wait(seconds)

    def fileno(self) -> int:
        """A descriptor that is readable once it is set."""
        return self._read_end

    def check(self) -> None:
        """Raise ScanFailure(cancelled) once it is set."""
        if self.is_set():
            raise ScanFailure(Status.CANCELLED, MESSAGES[Status.CANCELLED])
