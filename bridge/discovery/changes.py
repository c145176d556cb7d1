"""When the network of this machine changes: rtnetlink events in the reactor, without polling.

The kernel's messages are not read: that there was one is enough, because `netif` tells what is there now. So this needs
a socket and no library that knows rtnetlink's messages (pyroute2 would be used for nothing else), and a message that is
malformed, unknown or lost does no harm.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

SETTLE_S = 0.3
"""From the first message until `changed`: an address that is replaced is deleted and added within a moment, and a
network card that flaps makes no more work than this allows."""

MAX_MESSAGES = 64
"""Messages thrown away before the reactor has its turn."""

POLL_S = 5.0
"""Between two calls of `changed` where the kernel gives no events."""

# linux/rtnetlink.h; the socket module does not name them.
_RTMGRP_LINK = 0x1
_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV6_IFADDR = 0x100


def open_rtnetlink() -> socket.socket:
    """A socket that is readable when an interface or an address has changed. Raises OSError."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    try:
        opened.setblocking(False)
        opened.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR))
    except BaseException:
        opened.close()
        raise
    return opened


@implementer(IReadDescriptor)
class NetworkChanges:
    """Calls `changed` SETTLE_S after the first of any number of changes, from `start` to `stop`."""

    log = Logger()

    def __init__(
        self, reactor: Any, changed: Callable[[], None], connect: Callable[[], socket.socket] = open_rtnetlink
    ) -> None:
        self._reactor = reactor
        self._changed = changed
        self._connect = connect
        self._socket: socket.socket | None = None
        self._waiting: IDelayedCall | None = None

    def start(self) -> None:
        """Listen from now on."""
        try:
            self._socket = self._connect()
        except OSError as error:
            self.log.warn(
                "the kernel tells nothing of changes of the network ({error}): it is looked at every {pause:g} s",
                error=str(error),
                pause=POLL_S,
            )
            self._call_in(POLL_S)
        else:
            self._reactor.addReader(self)

    def stop(self) -> None:
        """Listen no more."""
        self._close()
        if self._waiting is not None and self._waiting.active():
            self._waiting.cancel()

    # -- IReadDescriptor -------------------------------------------------------------------------

    def fileno(self) -> int:
        """The number of the socket, -1 when it is closed."""
        return -1 if self._socket is None else self._socket.fileno()

    def doRead(self) -> None:
        """Twisted calls this when there are messages."""
        assert self._socket is not None
        for _ in range(MAX_MESSAGES):
            try:
                # One byte of each is taken, and the kernel throws the rest away.
                self._socket.recv(1)
            except BlockingIOError:
                break
            except OSError:
                # More messages than the socket holds: that is a change as well.
                continue
        if self._waiting is None or not self._waiting.active():
            self._call_in(SETTLE_S)

    def connectionLost(self, reason: Failure) -> None:
        """Twisted calls this when the descriptor is of no use any more."""
        self._close()
        self._call_in(POLL_S)

    def logPrefix(self) -> str:
        """What Twisted calls this in its log."""
        return "network"

    # -- inside ----------------------------------------------------------------------------------

    def _call_in(self, seconds: float) -> None:
        self._waiting = self._reactor.callLater(seconds, self._call)

    def _call(self) -> None:
        if self._socket is None:
            self._call_in(POLL_S)
        self._changed()

    def _close(self) -> None:
        if self._socket is not None:
            self._reactor.removeReader(self)
            self._socket.close()
            self._socket = None
