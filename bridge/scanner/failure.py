"""What ends a scan early, inside the worker process."""

from __future__ import annotations

from bridge.scanner.protocol import Status


class ScanFailure(Exception):
    """A command could not be carried out.

    `status` is what the daemon decides by, `message` is one sentence for a person.
    """

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
