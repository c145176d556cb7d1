"""The HTTP server: which connections it takes, and what our requests do that Twisted's do not."""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http, server
from twisted.web.error import UnsupportedMethod

from bridge.http import limits
from bridge.http.channel import Channel

log = Logger()


class Site(server.Site):
    """A tree of resources behind one TCP port, for a bounded number of connections.

    `allowed` says of a client's address literal whether it may come at all (on-link, or on the list of the
    settings); others hear 403. `reactor` gives the time.
    """

    protocol = Channel
    noisy = False
    displayTracebacks = False
    server_name = b"Scanbridge"

    def __init__(self, root: Any, reactor: Any, allowed: Callable[[str], bool] = lambda peer_host: True) -> None:
        super().__init__(root, requestFactory=Request, timeout=None, reactor=reactor)
        self._allowed = allowed
        self._connections: dict[Channel, str] = {}
        self._lingering: set[Channel] = set()
        self._waiting: deque[Request] = deque()
        self._turn: IDelayedCall | None = None

    @property
    def connections(self) -> int:
        """How many connections are open, refused ones not counted."""
        return len(self._connections)

    def admit(self, channel: Channel) -> tuple[int, str] | None:
        """Count a new connection, or say as status and sentence why it is refused."""
        peer = literal(channel.getPeer())
        if not self._allowed(peer):
            log.debug("{peer} is not on this network and not on the list of allowed clients", peer=peer)
            return 403, "this service is for clients of its own network; network.allow in the settings names others"
        if len(self._connections) >= limits.MAX_CONNECTIONS:
            log.debug("{peer} refused: {count} connections are open", peer=peer, count=limits.MAX_CONNECTIONS)
            return 503, "too many connections are open; try again in a moment"
        if Counter(self._connections.values())[peer] >= limits.MAX_CONNECTIONS_PER_CLIENT:
            log.debug(
                "{peer} refused: it has {count} connections already", peer=peer, count=limits.MAX_CONNECTIONS_PER_CLIENT
            )
            return 503, "this client has too many connections open"
        self._connections[channel] = peer
        return None

    def may_linger(self, channel: Channel) -> bool:
        """Whether a refused connection may stay a moment, so that its client can read the refusal."""
        self._connections.pop(channel, None)
        if len(self._lingering) >= limits.MAX_LINGERING:
            return False
        self._lingering.add(channel)
        return True

    def left(self, channel: Channel) -> None:
        """A connection has ended."""
        self._connections.pop(channel, None)
        self._lingering.discard(channel)

    def keep_only(self, own: Collection[str]) -> None:
        """Cut connections to addresses that are not among `own`: this machine has lost them, and nothing arrives there.

        Otherwise a client that is gone would hold the scanner until its connection stalls.
        """
        for channel in [*self._connections, *self._lingering]:
            local = literal(channel.getHost())
            # All of 127.0.0.0/8 is this machine, though no interface lists it.
            if local not in own and not local.startswith("127."):
                log.info("{peer} is cut off: the address {local} is gone", peer=literal(channel.getPeer()), local=local)
                channel.abort()

    def answer(self, request: Request) -> None:
        """Answer `request`, which is complete, now or when its turn has come: one in each turn of the reactor.

        Clients that send much at once, each request of it good, could else hold up everything for a second.
        """
        self._waiting.append(request)
        if self._turn is None:
            self._answer_next()

    def _answer_next(self) -> None:
        self._turn = self.reactor.callLater(0, self._next_turn)
        request = self._waiting.popleft()
        if not request.has_lost_its_client():
            request.process()

    def _next_turn(self) -> None:
        self._turn = None
        if self._waiting:
            self._answer_next()

    def startFactory(self) -> None:
        """No access log, hence no clock for its time stamps."""

    def stopFactory(self) -> None:
        """Nothing to end."""

    def log(self, request: Any) -> None:
        """Twisted calls this for each answer that is complete: one line."""
        log.debug(
            "{peer} {method} {path} {note} -> {status}, {length} bytes",
            peer=literal(request.client),
            method=request.method.decode("ascii", "replace"),
            path=request.path.decode("ascii", "replace"),
            note=request.note,
            status=request.code,
            length=request.sentLength,
        )


class Request(server.Request):
    """One request. What it adds to Twisted's: a bounded body in memory, no form uploads, no HTML of Twisted's own,
    no version in Server, `abort`, and producers that may outlive the connection.

    `note` is a word for the log, the SOAP action.
    """

    defaultContentType = b"text/plain; charset=utf-8"
    note = ""
    content: Any

    def gotLength(self, length: int | None) -> None:
        """Twisted calls this before the body; `limits` has bounded it already, or it is chunked."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted calls this with each piece of the body."""
        if self.content.tell() + len(data) > limits.MAX_BODY:
            self.channel.refuse(413, f"a request body has at most {limits.MAX_BODY} bytes")
            return
        self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted calls this when the request is complete; it waits for its turn, and no multipart form is parsed."""
        self.method, self.clientproto = command, version
        if path.lower().startswith((b"http://", b"https://")):
            path = _origin_form(path)
        self.uri = path
        self.path, _, query = path.partition(b"?")
        self.args = http.parse_qs(query, keep_blank_values=True)
        content_type = (self.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
        if command == b"POST" and content_type == b"application/x-www-form-urlencoded":
            self.args.update(http.parse_qs(self.content.getvalue(), keep_blank_values=True))
        self.content.seek(0)
        self.channel.site.answer(self)

    def write(self, data: bytes) -> None:
        """Send a piece of the answer, the head before the first."""
        if not self.startedWriting:
            self.setHeader(b"server", Site.server_name)
        super().write(data)

    def render(self, resrc: Any) -> None:
        """Have `resrc` answer, at once or later."""
        try:
            body = resrc.render(self)
        except UnsupportedMethod as error:
            body = method_not_allowed(self, error.allowedMethods)
        if body is server.NOT_DONE_YET:
            return
        self.setHeader(b"content-length", b"%d" % len(body))
        self.write(body)
        self.finish()

    def processingFailed(self, reason: Failure) -> Failure:
        """A resource has raised: the log hears all of it, the client that it happened."""
        log.failure("answering {path!r} failed", reason, path=self.path)
        if self.startedWriting:
            self.abort()
        else:
            body = plain(self, 500, "an unexpected error; the log of the bridge says more")
            self.setHeader(b"content-length", b"%d" % len(body))
            self.write(body)
            self.finish()
        return reason

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Pause and resume `producer` as the client reads; stop it when the client has gone."""
        if self.has_lost_its_client():
            producer.stopProducing()
        else:
            super().registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """No more data comes from the producer."""
        if self.has_lost_its_client():
            self.producer = None
        else:
            super().unregisterProducer()

    def abort(self) -> None:
        """Cut the connection, so that the client sees that the answer is not whole."""
        if not self.has_lost_its_client():
            self.channel.abort()

    def has_lost_its_client(self) -> bool:
        """Whether the connection is lost or the answer complete: then Twisted takes the channel away."""
        return getattr(self, "channel", None) is None


def plain(request: Any, status: int, sentence: str) -> bytes:
    """Set up an answer of one sentence; the result is its body."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return sentence.encode() + b"\n"


def method_not_allowed(request: Any, allowed: Any) -> bytes:
    """Set up an answer to a method that the resource does not know; the result is its body."""
    names = b", ".join(allowed)
    request.setHeader(b"allow", names)
    return plain(request, 405, f"this address takes {names.decode('ascii')} only")


def literal(address: Any) -> str:
    """The address literal of a Twisted address: without a zone, an IPv4 client on an IPv6 socket as IPv4."""
    host = str(getattr(address, "host", "")).partition("%")[0]
    return host[7:] if host.lower().startswith("::ffff:") and "." in host else host


def _origin_form(target: bytes) -> bytes:
    """The path and query of an absolute request target, which a server must take (RFC 9112 3.2.2)."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return b"/"
    return (parts.path or b"/") + (b"?" + parts.query if parts.query else b"")
