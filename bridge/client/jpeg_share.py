"""How much of a JPEG has come, when nobody knows its size: the share of its restart markers.

The bridge's own images have a marker after each strip. An image without them gives no share.
"""

from __future__ import annotations

import re

MAX_HEAD = 1 << 20
"""Bytes in which the scan's data must have begun; else nothing is told."""

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_SOF = (0xC0, 0xC1)
_DRI = 0xDD
_SOS = 0xDA


class JpegShare:
    """Take the bytes as they come; `share` is between 0 and 1, None while it is not known."""

    def __init__(self) -> None:
        self._head: bytearray | None = bytearray()
        self._expected = 0
        self._seen = 0
        self._last = b""

    @property
    def share(self) -> float | None:
        """How much has come."""
        return min(1.0, self._seen / self._expected) if self._expected else None

    def take(self, data: bytes) -> None:
        """The next bytes."""
        if self._head is not None:
            self._head += data
            start = self._read_head(self._head)
            if start is None:
                if len(self._head) > MAX_HEAD:
                    self._head = None
                return
            data, self._head = bytes(self._head[start:]), None
        if self._expected:
            self._seen += len(_RESTART.findall(self._last + data))
            self._last = data[-1:] if data[-1:] == b"\xff" else b""

    def _read_head(self, head: bytearray) -> int | None:
        """Where the scan's data begin, None while that is not known."""
        at, blocks, interval = 2, 0, 0
        while at + 4 <= len(head):
            marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
            if head[at] != 0xFF or at + 2 + length > len(head):
                return None
            if marker in _SOF and length >= 11:
                height = int.from_bytes(head[at + 5 : at + 7], "big")
                width = int.from_bytes(head[at + 7 : at + 9], "big")
                across, down = head[at + 11] >> 4 or 1, head[at + 11] & 15 or 1
                blocks = -(-width // (8 * across)) * -(-height // (8 * down))
            elif marker == _DRI and length >= 4:
                interval = int.from_bytes(head[at + 4 : at + 6], "big")
            at += 2 + length
            if marker == _SOS:
                self._expected = -(-blocks // interval) if interval else 0
                return at
        return None
