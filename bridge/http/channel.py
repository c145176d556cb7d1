"""One HTTP connection: Twisted's parser, with the limits that it lacks.

Time: from the first byte of a request to its last, between requests, and for a client that stops reading. Shape:
what the parsers of Debian 12 and 13 let through differently is refused here for both, before the body is read.
"""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from bridge.http import limits
from bridge.http.direct import send_at_once
from bridge.http.origin import is_ours, is_same_origin

if TYPE_CHECKING:
    from bridge.http.site import Site

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(rb"[!-~]+")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)
_NO_HEADER_TEXT = re.compile(rb"[\x00\r\n]")
_MAX_LENGTH_DIGITS = 15


class Channel(HTTPChannel):
    """A connection of one client.

    It is waiting for a request, receiving one, answering one, or refused: then a refusal was written, and whatever
    the client still sends is thrown away until it closes, for `limits.LINGER_S` at most.
    """

    site: Site
    transport: Any
    callLater: Any
    _networkProducer: Any
    maxHeaders = limits.MAX_HEADERS
    totalHeadersSize = limits.MAX_HEADER_BYTES
    MAX_LENGTH = limits.MAX_HEADER_BYTES

    def __init__(self) -> None:
        super().__init__()
        self.refused = False
        self._receiving = False
        self._discarded = 0
        self._clock: IDelayedCall | None = None
        self._stall_clock: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Twisted calls this when the client has connected: take it, or say at once why not."""
        super().connectionMade()
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        refusal = self.site.admit(self)
        if refusal is not None:
            self.refuse(*refusal)
        else:
            self._wait(limits.IDLE_S, self._idle)

    def refuse(self, status: int, why: str) -> None:
        """Answer with `status` and the sentence `why`, take no more requests, and end the connection."""
        if self.refused:
            return
        self.refused = True
        self._stop_clocks()
        body = why.encode() + b"\n"
        head = (
            b"HTTP/1.1 %d %s\r\nServer: %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n"
        )
        phrase = HTTPStatus(status).phrase.encode("ascii")
        self.transport.write(head % (status, phrase, self.site.server_name, len(body)) + body)
        self._networkProducer.unregisterProducer()
        if self.site.may_linger(self):
            self._wait(limits.LINGER_S, self.abort)
            self.transport.loseWriteConnection()
        else:
            super().loseConnection()
            self._wait(limits.LINGER_S, self.abort)

    def abort(self) -> None:
        """Cut the connection at once; what was not sent yet is lost, and the client sees that."""
        self._stop_clocks()
        self.transport.abortConnection()

    def loseConnection(self) -> None:
        """Close when everything is sent; cut it off when the client does not take it."""
        self._stop_clock()
        self._start_stall_clock()
        super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted calls this when the connection has ended, whoever ended it."""
        self._stop_clocks()
        self.site.left(self)
        super().connectionLost(reason)

    # What arrives

    def dataReceived(self, data: bytes) -> None:
        """Twisted calls this with the next bytes from the client."""
        if self.refused:
            self._discarded += len(data)
            if self._discarded > limits.MAX_DISCARDED:
                self.abort()
            return
        if data.strip(b"\r\n"):
            self._request_begins()
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """Twisted calls this with a line of a request's head."""
        if self.refused:
            return
        if line:
            self._request_begins()
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted calls this when a line of a request's head does not end."""
        self.refuse(431, f"the head of a request has at most {limits.MAX_HEADER_BYTES} bytes")

    def headerReceived(self, line: bytes) -> bool:
        """Twisted calls this with a whole header; False ends the parsing."""
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or _NO_HEADER_TEXT.search(value):
            self.refuse(400, "a header is malformed")
            return False
        if name.lower() == b"content-length" and len(value.strip()) > _MAX_LENGTH_DIGITS:
            self.refuse(413, f"a request body has at most {limits.MAX_BODY} bytes")
            return False
        return bool(super().headerReceived(line)) and not self.refused

    def allHeadersReceived(self) -> None:
        """Twisted calls this at the end of the head: the last moment before "100 Continue"."""
        refusal = self._trouble()
        if refusal is not None:
            self.refuse(*refusal)
        else:
            super().allHeadersReceived()

    def rawDataReceived(self, data: bytes) -> None:
        """Twisted calls this with bytes of a body, or of the request after the one that is being answered."""
        if not self.refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Twisted calls this when the request is complete."""
        if self.refused:
            return
        self._receiving = False
        self._stop_clock()
        super().allContentReceived()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether the connection stays open after this request."""
        values = request.requestHeaders.getRawHeaders(b"connection", [])
        tokens = {token.strip().lower() for token in b",".join(values).split(b",")}
        if version == b"HTTP/1.1" and b"close" not in tokens:
            return True
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])
        return False

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Twisted's parser calls this for what it cannot read."""
        too_much = self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders
        if too_much:
            self.refuse(431, f"a request has at most {self.maxHeaders} headers, {self.totalHeadersSize} bytes in all")
        else:
            self.refuse(400, "this is no HTTP request that can be read")

    def _trouble(self) -> tuple[int, str] | None:
        """What is wrong with the head of the request, as a status and a sentence."""
        if self._version not in (b"HTTP/1.1", b"HTTP/1.0"):
            return 505, "only HTTP/1.1 and HTTP/1.0 are spoken here"
        if not _TOKEN.fullmatch(self._command) or not _TARGET.fullmatch(self._path):
            return 400, "the request line is malformed"
        # Two lengths, or a length and chunks, are refused by Twisted's parser.
        encodings = self.requests[-1].requestHeaders.getRawHeaders(b"transfer-encoding", [])
        if encodings and ([value.lower() for value in encodings] != [b"chunked"] or self._version != b"HTTP/1.1"):
            return 400, "the transfer encoding is not understood"
        if self.length is not None and self.length > limits.MAX_BODY:
            return 413, f"a request body has at most {limits.MAX_BODY} bytes"
        return self._stranger()

    def _stranger(self) -> tuple[int, str] | None:
        """What is wrong with whom the request says it is for, and which page of a browser has sent it."""
        headers = self.requests[-1].requestHeaders
        hosts = [value.decode("latin-1") for value in headers.getRawHeaders(b"host", [])]
        if len(hosts) > 1 or (not hosts and self._version == b"HTTP/1.1"):
            return 400, "a request needs one Host header"
        absolute = _ABSOLUTE.match(self._path)
        if absolute:
            hosts = [absolute[1].decode("ascii")]
        if not all(is_ours(host) for host in hosts):
            return 421, "this service is not known by that name; use its address, or its name without a domain"
        origins = [value.decode("latin-1") for value in headers.getRawHeaders(b"origin", [])]
        if any(not is_same_origin(origin, host) for origin in origins for host in hosts or [""]):
            return 403, "pages of other servers may not use this service"
        return None

    # What goes out

    def writeSequence(self, iovec: Sequence[bytes]) -> None:
        """Twisted calls this with a piece of an answer's body."""
        rest = send_at_once(self.transport, iovec)
        if rest:
            super().writeSequence(rest)

    def requestDone(self, request: Any) -> None:
        """Twisted calls this when an answer is written to its end."""
        self._wait(limits.IDLE_S, self._idle)
        super().requestDone(request)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let the transport pause and resume `producer`."""
        super().registerProducer(producer, streaming)
        if self._waitingForTransport and streaming:
            producer.pauseProducing()

    def pauseProducing(self) -> None:
        """The transport calls this when more is buffered than the client takes."""
        self._start_stall_clock()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """The transport calls this when the client has taken all that was buffered."""
        self._stop_stall_clock()
        super().resumeProducing()

    # Clocks

    def _request_begins(self) -> None:
        if not self._receiving and not self._handlingRequest and not self.refused:
            self._receiving = True
            self._wait(limits.REQUEST_S, self._too_slow)

    def _idle(self) -> None:
        if self._stall_clock is not None:
            # The client still reads its last answer, and has a clock for that.
            self._wait(limits.IDLE_S, self._idle)
        else:
            self.loseConnection()

    def _too_slow(self) -> None:
        self.refuse(408, f"a request must arrive within {limits.REQUEST_S:.0f} seconds")

    def _wait(self, seconds: float, then: Any) -> None:
        """Do `then` after `seconds`, and nothing else that waited."""
        self._stop_clock()
        self._clock = self.callLater(seconds, self._ring, then)

    def _ring(self, then: Any) -> None:
        self._clock = None
        then()

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _start_stall_clock(self) -> None:
        if self._stall_clock is None and not self.refused:
            self._stall_clock = self.callLater(limits.STALL_S, self.abort)

    def _stop_stall_clock(self) -> None:
        if self._stall_clock is not None:
            if self._stall_clock.active():
                self._stall_clock.cancel()
            self._stall_clock = None

    def _stop_clocks(self) -> None:
        self._stop_clock()
        self._stop_stall_clock()
