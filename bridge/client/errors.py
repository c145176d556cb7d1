"""What a client can meet on its way to an image."""

from __future__ import annotations

from bridge.errors import BridgeError


class NoAnswer(BridgeError):
    """The device cannot be reached, or does not answer in time."""


class BadAnswer(BridgeError):
    """The device answers something that is no answer to what was asked."""


class ScanFailed(BridgeError):
    """There is no whole image; the message says why."""


class ServiceFault(BridgeError):
    """The device refused, with a SOAP fault.

    `subcode` is the local name of the fault's subcode, or of its code where it has none; `reason` are its own words.
    """

    def __init__(self, subcode: str, reason: str) -> None:
        super().__init__(f"the device refuses: {reason or 'no reason given'} ({subcode})")
        self.subcode = subcode
        self.reason = reason
