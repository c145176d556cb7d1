"""What a job after a press of the scanner's button must show (wsd-scan.md 9.3, eventing.md 7)."""

from __future__ import annotations

from typing import Protocol

from bridge.errors import InvalidDestinationToken, InvalidScanIdentifier


class PushRegistry(Protocol):
    """Knows the scan identifiers and destination tokens that were given out."""

    def check(self, scan_identifier: str | None, destination_token: str | None) -> None:
        """Raise InvalidScanIdentifier or InvalidDestinationToken for what is given and not valid now."""

    def used(self, scan_identifier: str) -> None:
        """A job was taken for this identifier: it has done its work (checklist 181)."""


class NoPush:
    """A registry that has given nothing out."""

    def check(self, scan_identifier: str | None, destination_token: str | None) -> None:
        """Refuse whatever is given (checklist 179, 180)."""
        if scan_identifier is not None:
            raise InvalidScanIdentifier
        if destination_token is not None:
            raise InvalidDestinationToken

    def used(self, scan_identifier: str) -> None:
        """Never called: `check` lets none pass."""
