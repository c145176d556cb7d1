"""One image on its way from the network into a file (wsd-scan.md 13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from bridge.client.errors import BadAnswer, NoAnswer
from bridge.client.http import is_whole
from bridge.soap import namespaces as ns
from bridge.soap.envelope import read_envelope
from bridge.soap.faults import SoapFault
from bridge.soap.mtom_reader import End, ImageData, MultipartError, MultipartReader, SoapPart
from bridge.soap.namespaces import tag
from bridge.soap.parser import MalformedXml

IMAGE_PAUSE_TIMEOUT_S = 600.0
"""How long an image may pause: a job that waits behind others has its headers already (design: timers)."""


class ImageBody(Protocol):
    """The body of a RetrieveImageResponse on its way into a file; `done` fires when the image is whole."""

    def __init__(
        self,
        reader: MultipartReader,
        begin: Callable[[int], Callable[[bytes], None]],
        expected: int,
        clock: IReactorTime,
    ) -> None:
        self._reader = reader
        self._write = begin(expected)
        self._clock = clock
        self._whole = False
        self._pause: IDelayedCall = clock.callLater(IMAGE_PAUSE_TIMEOUT_S, self._stalled)
        self.done: Deferred[None] = Deferred(lambda _deferred: self._rest())

    def dataReceived(self, data: bytes) -> None:
        """The next bytes, of whatever part."""
        if self.done.called:
            return
        self._pause.reset(IMAGE_PAUSE_TIMEOUT_S)
        try:
            for event in self._reader.feed(data):
                if isinstance(event, SoapPart):
                    _check_response(event.data)
                elif isinstance(event, ImageData):
                    self._write(event.data)
                elif isinstance(event, End):
                    self._whole = True
        except MultipartError as error:
            self._fail(BadAnswer(f"the answer to RetrieveImage cannot be read: {error}"))
        except Exception as error:
            # A fault, a full disk: whoever waits for the image decides, not Twisted's HTTP parser.
            self._fail(error)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end; an image without its closing boundary is cut off, however the connection ended."""
        self._rest()
        if self.done.called:
            return
        if self._whole:
            self.done.callback(None)
        elif is_whole(reason):
            self.done.errback(BadAnswer("the image ends before its end; the scanner has failed"))
        else:
            self.done.errback(NoAnswer("the connection broke off in the middle of the image"))

    def _stalled(self) -> None:
        self._fail(NoAnswer(f"no byte of the image for {IMAGE_PAUSE_TIMEOUT_S:g} s"))

    def _fail(self, error: Exception) -> None:
        self.done.errback(error)
        self._rest()
        if self.transport is not None:
            cast(ITCPTransport, self.transport).loseConnection()

    def _rest(self) -> None:
        """Take no more bytes.

        A person who stops the scan does not close the connection: CancelJob does, and then the job was cancelled rather
        than broken off.
        """
        if self._pause.active():
            self._pause.cancel()


def _check_response(data: bytes) -> None:
    """Raise BadAnswer when the envelope before the image is none of RetrieveImage."""
    try:
        body = read_envelope(data).body
    except (MalformedXml, SoapFault) as error:
        raise BadAnswer(f"the envelope before the image cannot be read: {error}") from error
    if body is None or body.tag != tag(ns.WSCN, "RetrieveImageResponse"):
        raise BadAnswer("the envelope before the image is no RetrieveImageResponse")
