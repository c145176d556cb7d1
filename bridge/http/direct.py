"""Bytes of an answer that go to the socket at once.

Twisted first joins what is written, then waits until the reactor finds the socket writable, then copies what the socket
did not take. For an image that is half of the daemon's work (docs/performance.md); most of the time the socket would
have taken everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.tcp import Connection


def send_at_once(transport: Any, pieces: Sequence[bytes]) -> Sequence[bytes]:
    """Send of `pieces` what the socket of `transport` takes now, and return the rest, to be written as ever.

    Nothing is sent while older bytes wait in the transport, so that the order stays; nothing on anything but a plain
    TCP connection, nor on one that is closing. An error of the socket is left for the reactor to meet.
    """
    if not isinstance(transport, Connection) or not _is_idle(transport):
        return pieces
    try:
        sent = transport.socket.sendmsg(pieces)
    except OSError:
        return pieces
    return _behind(pieces, sent)


def _is_idle(transport: Any) -> bool:
    """Whether nothing waits to be sent; the second buffer is Twisted's own affair, and without it nothing is known."""
    waiting = transport.dataBuffer or getattr(transport, "_tempDataBuffer", True)
    return bool(transport.connected and not transport.disconnecting and not waiting)


def _behind(pieces: Sequence[bytes], sent: int) -> Sequence[bytes]:
    """What of `pieces` lies behind the first `sent` bytes."""
    rest = []
    for piece in pieces:
        if sent < len(piece):
            rest.append(piece[sent:] if sent else piece)
        sent = max(0, sent - len(piece))
    return rest
