"""One scanner that is there, from the moment when it is found until it is gone."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from bridge.finder import Found
from bridge.scanner.model import Capabilities, Device
from bridge.served_scanner import ServedScanner

T = TypeVar("T")

Place = tuple[str, str, str, str]
"""What makes a device another one than before: SANE's name for it, USB ids, serial number and port."""


class Entry:
    """A scanner that is there; `served` is None until it has said what it can do.

    `asked` fires when it has answered for the first time, or failed to. `question` is what it can do, while that is
    being asked.
    """

    def __init__(self, found: Found) -> None:
        self.found = found
        self.served: ServedScanner | None = None
        self.attempts = 0
        self.question: Deferred[Capabilities] | None = None
        self.again: IDelayedCall | None = None
        self.asked: Deferred[None] = Deferred()

    def describe(self) -> Deferred[Capabilities]:
        """Ask what it can do. Fails with ScannerError; cancelling it ends the asking."""
        self.question = self.found.spawner.describe(self.found.device, self.found.quirks)
        return self.question.addBoth(self._answered)

    def leave(self) -> None:
        """It is gone: nothing more is asked."""
        if self.again is not None and self.again.active():
            self.again.cancel()
        if self.question is not None:
            self.question.cancel()

    def _answered(self, answer: T) -> T:
        self.question = None
        return answer

    @property
    def place(self) -> Place:
        """Where it is and what it is called."""
        return place_of(self.found.device)


def place_of(device: Device) -> Place:
    """Where `device` is and what it is called there."""
    return device.name, device.usb_id, device.serial, device.port
