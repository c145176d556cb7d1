"""SOAP messages in the log, for people who look for what a client and the bridge said to each other.

The client stands on the left, whoever began: "192.0.2.9 -> /x" came from it, "192.0.2.9 <- /x 200" went to it.
"""

from __future__ import annotations

import re

from twisted.logger import Logger

from bridge.soap.exchange import Exchange

log = Logger()

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class WireTrace:
    """Writes envelopes to the log while `enabled`; images are left out (setting log.wire)."""

    def __init__(self, enabled: bool = False) -> None:
        self.enabled = enabled

    def message(self, way: str, data: bytes) -> None:
        """What goes another way than request and answer: discovery, events. `way` says between whom it went."""
        if self.enabled:
            log.info("{way}{message}", way=way, message=f"\n{printable(data)}" if data else "")

    def request(self, exchange: Exchange, data: bytes) -> None:
        """What a client sent."""
        if self.enabled:
            message = printable(data)
            log.info("{peer} -> {path}\n{message}", peer=exchange.peer_host, path=exchange.path, message=message)

    def answer(self, exchange: Exchange, status: int, message: bytes, image: str = "") -> None:
        """What it gets; `image` is the media type of an attachment, whose bytes are not shown."""
        if self.enabled:
            log.info(
                "{peer} <- {path} {status}\n{message}{image}",
                peer=exchange.peer_host,
                path=exchange.path,
                status=status,
                message=printable(message),
                image=f"\n({image} follows)" if image else "",
            )


def printable(data: bytes) -> str:
    """`data` as text in which nothing can steer a terminal; line feeds and tabs stay."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = data.decode(encoding, "backslashreplace").replace("\r\n", "\n")
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
