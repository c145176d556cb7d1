"""An answer with an attachment: multipart/related, the envelope first, then the image while it comes.

wsd-scan.md 13, checklist 190 to 193 and 205.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IConsumer, IProducer
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.errors import BridgeError
from bridge.soap import media
from bridge.soap.exchange import ImageStream

log = Logger()

SOAP_CONTENT_ID = "soap@scanbridge"

_CONTENT_ID = re.compile(r"[A-Za-z0-9.@-]{1,200}")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")


@dataclass(frozen=True, slots=True)
class Framing:
    """What stands around the bytes of the image."""

    content_type: str
    head: bytes
    tail: bytes


def new_boundary() -> str:
    """A boundary that no image contains but by a chance of one in 2**122."""
    return f"boundary-{uuid.uuid4().hex}"


def frame(message: bytes, media_type: str, content_id: str, boundary: str) -> Framing:
    """The framing of an answer with the envelope `message` and an image of `media_type` named `content_id`.

    Raises ValueError when a name would need an escape.
    """
    if not _CONTENT_ID.fullmatch(content_id) or content_id == SOAP_CONTENT_ID:
        raise ValueError(f"{content_id!r} cannot name a part")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise ValueError(f"{media_type!r} is no media type")
    content_type = (
        f'{media.MULTIPART}; type="{media.XOP}"; boundary="{boundary}"; start="<{SOAP_CONTENT_ID}>"; '
        f'start-info="{media.SOAP}"'
    )
    soap_head = _part_head(boundary, f'{media.XOP}; charset=UTF-8; type="{media.SOAP}"', SOAP_CONTENT_ID)
    image_head = _part_head(boundary, media_type, content_id)
    return Framing(content_type, soap_head + message + b"\r\n" + image_head, f"\r\n--{boundary}--\r\n".encode())


class Outlet(Protocol):
    """Where a streamed answer goes; HTTP's request is one."""

    def write(self, data: bytes) -> object:
        """Send `data`."""

    def registerProducer(self, producer: IProducer, streaming: bool) -> object:
        """Pause and resume `producer` as the client reads."""

    def unregisterProducer(self) -> object:
        """No more data comes from the producer."""

    def finish(self) -> object:
        """The answer is complete."""

    def abort(self) -> None:
        """The answer is broken off: the client must see that it is not whole."""


class StreamedAnswer:
    """Sends one image with its framing. The outlet's headers are set, and nothing is written to it yet."""

    def __init__(self, image: ImageStream, framing: Framing, outlet: Outlet) -> None:
        self._image = image
        self._framing = framing
        self._outlet = outlet
        self._part = _ImagePart(outlet)
        self._ended = False

    def start(self) -> None:
        """Send headers and envelope, then the image as it comes."""
        self._outlet.write(self._framing.head)
        delivering = maybeDeferred(self._image.deliver, self._part)
        delivering.addCallbacks(self._complete, self._break_off)
        delivering.addErrback(self._break_off)

    def abandon(self) -> None:
        """The client has gone. Harmless after the end."""
        if self._ended:
            return
        self._ended = True
        self._part.close()
        self._image.abandon()

    def _complete(self, _: object) -> None:
        if self._ended:
            return
        if self._part.empty:
            self._break_off(Failure(BridgeError("the image has no bytes")))
            return
        self._ended = True
        self._part.close()
        self._outlet.write(self._framing.tail)
        try:
            # Before finish: that may start the client's next request, which must find this image delivered.
            self._image.delivered()
        except Exception:
            log.failure("an image was delivered, and its job did not take that")
        self._outlet.finish()

    def _break_off(self, failure: Failure) -> None:
        """Without closing boundary and last chunk the client knows that something is missing."""
        if self._ended:
            return
        self._ended = True
        self._part.close()
        if failure.check(BridgeError):
            log.info("an image was broken off: {error}", error=failure.getErrorMessage())
        else:
            log.failure("an image was broken off", failure)
        self._outlet.abort()


@implementer(IConsumer)
class _ImagePart:
    """What an image stream may do with the outlet: write and be paused, and nothing once the image has ended."""

    def __init__(self, outlet: Outlet) -> None:
        self.empty = True
        self._outlet = outlet
        self._open = True
        self._producing = False

    def write(self, data: bytes) -> None:
        if self._open and data:
            self.empty = False
            self._outlet.write(data)

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        if not self._open:
            producer.stopProducing()
            return
        self._outlet.registerProducer(producer, streaming)
        self._producing = True

    def unregisterProducer(self) -> None:
        if self._producing:
            self._producing = False
            self._outlet.unregisterProducer()

    def close(self) -> None:
        """Take no more bytes, and let go of a producer that is still registered."""
        self.unregisterProducer()
        self._open = False


def _part_head(boundary: str, content_type: str, content_id: str) -> bytes:
    lines = (
        f"--{boundary}",
        f"Content-Type: {content_type}",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: <{content_id}>",
        "",
        "",
    )
    return "\r\n".join(lines).encode("ascii")
