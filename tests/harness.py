"""HTTP without a socket: the real site, parser and transport buffer, and a client that a test moves by hand.

    wire = Wire(root)                           # any twisted resource; SoapResource, Tree
    answer = wire.post("/scan", envelope)       # a new connection; answer.status, .headers, .body, .complete
    line = wire.connect(peer="192.0.2.9")       # one connection, for more
    first = line.post("/scan", envelope)        # unfinished answers grow while the test goes on
    line.window = 0                             # the client stops reading ...
    line.read(1000)                             # ... and takes a little
    line.disconnect()
    wire.advance(30)                            # time passes, for everything that got wire.clock

Whatever the server writes in SOAP or multipart is checked against our schemas when the answer is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from twisted.internet import error, interfaces, main
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.http.site import Site
from tests import envelope_watch
from tests.http_answers import Answer, AnswerReader

PEER = "192.0.2.20"
HOST = "192.0.2.7"
PORT = 8018
SOAP_HEADERS = {"Content-Type": "application/soap+xml"}


class WireClock(Clock):
    """A Clock that also knows who wants to read and write, as a reactor does."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.addReader, self.removeReader = self.readers.add, self.readers.discard
        self.addWriter, self.removeWriter = self.writers.add, self.writers.discard


@implementer(interfaces.ITCPTransport)
class WireTransport(FileDescriptor):
    """The server's end of a connection: Twisted's own buffering, pausing and closing, with a test in place of TCP."""

    def __init__(self, clock: WireClock, line: Connection, host: str, port: int, peer: str) -> None:
        super().__init__(clock)
        self.line = line
        self.protocol: Any = None
        self.connected = 1
        self._aborting = False
        self._host, self._port, self._peer = host, port, peer
        self.startReading()

    @property
    def buffered(self) -> int:
        """Bytes written by the server and not yet taken by the client."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def writeSomeData(self, data: Any) -> Any:
        """FileDescriptor calls this to send."""
        if self.line.client_gone:
            return main.CONNECTION_LOST
        return self.line.arrive(bytes(data))

    def _closeWriteConnection(self) -> None:
        self.line.half_closed = True
        self.line.server_ended(clean=True)

    def abortConnection(self) -> None:
        """Drop what is buffered and end."""
        if self.disconnected or self._aborting:
            return
        self._aborting = True
        self.stopReading()
        self.stopWriting()
        self.line.aborted = True
        self.reactor.callLater(0, self.connectionLost, Failure(error.ConnectionAborted()))

    def connectionLost(self, reason: Failure) -> None:
        """The connection has ended; told to the protocol once."""
        if self.protocol is None:
            return
        super().connectionLost(reason)
        protocol, self.protocol = self.protocol, None
        self.line.closed = True
        self.line.server_ended(clean=not self._aborting and not self.line.client_gone)
        protocol.connectionLost(reason)

    def getHost(self) -> Any:
        """Where the client connected to."""
        return _address(self._host, self._port)

    def getPeer(self) -> Any:
        """Where it came from."""
        return _address(self._peer, 50000)

    def loseWriteConnection(self) -> None:
        """Send what is buffered, then end this direction."""
        super().loseWriteConnection()

    def getTcpKeepAlive(self) -> bool:
        """No TCP here."""
        return True

    getTcpNoDelay = getTcpKeepAlive

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """No TCP here."""

    setTcpNoDelay = setTcpKeepAlive


class Connection:
    """The client's end. `window` is how many more bytes the client takes, None for any number.

    `closed`: the server has ended the connection; `aborted`: without sending what it had; `half_closed`: it sends no
    more, but reads on.
    """

    def __init__(self, wire: Wire, peer: str, host: str, port: int) -> None:
        self.window: int | None = None
        self.closed = self.aborted = self.half_closed = self.client_gone = False
        self.raw = b""
        self._wire = wire
        self._reader = AnswerReader()
        self._sending = b""
        self.transport = WireTransport(wire.clock, self, host, port, peer)
        protocol = wire.site.buildProtocol(self.transport.getPeer())
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)

    @property
    def answers(self) -> list[Answer]:
        """All answers of this connection, begun or not, in order."""
        return self._reader.answers

    @property
    def interim(self) -> list[int]:
        """The 1xx statuses that came before answers."""
        return self._reader.interim

    def send(self, data: bytes) -> None:
        """Send raw bytes."""
        self._sending += data
        self._wire.pump()

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        version: str = "HTTP/1.1",
        chunks: Iterable[bytes] | None = None,
    ) -> Answer:
        """Send a request and give its answer, begun or not; `chunks` go instead of `body`, each as a chunk."""
        answer = self._reader.expect(method)
        self.send(request_bytes(method, path, body, headers=headers, version=version, chunks=chunks))
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        """GET `path`."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """POST an envelope; `headers` are added to, and may replace, its Content-Type."""
        return self.request("POST", path, body, headers={**SOAP_HEADERS, **(headers or {})}, **options)

    def read(self, count: int) -> None:
        """Take `count` more bytes, by a client that has stopped reading."""
        self.window = (self.window or 0) + count
        self._wire.pump()

    def read_on(self) -> None:
        """Read without limit again."""
        self.window = None
        self._wire.pump()

    def disconnect(self) -> None:
        """The client goes away."""
        self.client_gone = True
        self._wire.pump()

    # What the transport tells

    def arrive(self, data: bytes) -> int:
        """The server sends; the number of bytes that the client takes."""
        taken = data if self.window is None else data[: self.window]
        if self.window is not None:
            self.window -= len(taken)
        self.raw += taken
        for answer in self._reader.feed(taken):
            _check(answer)
        return len(taken)

    def server_ended(self, *, clean: bool) -> None:
        """No more comes from the server; not `clean` is a reset, or a client that was not there to see the end."""
        for answer in self._reader.close(clean=clean):
            _check(answer)

    def pump(self) -> bool:
        """Move what can move; whether anything did."""
        transport = self.transport
        if self.closed:
            return False
        if transport in self._wire.clock.readers:
            if self.client_gone:
                transport.connectionLost(Failure(error.ConnectionDone()))
                return True
            if self._sending:
                data, self._sending = self._sending[:65536], self._sending[65536:]
                transport.protocol.dataReceived(data)
                return True
        if transport in self._wire.clock.writers and (self.window != 0 or not transport.buffered or self.client_gone):
            reason = transport.doWrite()
            if reason is not None:
                transport.connectionLost(Failure(reason))
            return True
        return False


class Wire:
    """A site and its clients. Give `clock` to whatever else must share its time."""

    def __init__(
        self, root: Any, *, clock: WireClock | None = None, allowed: Callable[[str], bool] = lambda peer_host: True
    ) -> None:
        self.clock = clock or WireClock()
        self.site = Site(root, self.clock, allowed)
        self.connections: list[Connection] = []

    def connect(self, peer: str = PEER, host: str = HOST, port: int = PORT) -> Connection:
        """A client at the address `peer` connects to the address `host` of ours."""
        line = Connection(self, peer, host, port)
        self.connections.append(line)
        self.pump()
        return line

    def post(self, path: str, body: bytes, *, peer: str = PEER, host: str = HOST, **options: Any) -> Answer:
        """POST an envelope on a connection of its own, which stays open."""
        return self.connect(peer, host).post(path, body, **options)

    def get(self, path: str, *, peer: str = PEER, host: str = HOST, **options: Any) -> Answer:
        """GET on a connection of its own, which stays open."""
        return self.connect(peer, host).get(path, **options)

    def advance(self, seconds: float) -> None:
        """Let time pass, and what it brings arrive."""
        self.clock.advance(seconds)
        self.pump()

    def pump(self) -> None:
        """Move bytes until nothing moves any more."""
        moved = True
        while moved:
            self.clock.advance(0)
            moved = sum(line.pump() for line in self.connections) > 0


def request_bytes(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    headers: Mapping[str, str] | None = None,
    version: str = "HTTP/1.1",
    chunks: Iterable[bytes] | None = None,
) -> bytes:
    """A request as it stands on the wire. A header whose value is empty is left out."""
    lines = {"Host": f"{HOST}:{PORT}", **(headers or {})}
    if chunks is not None:
        lines.setdefault("Transfer-Encoding", "chunked")
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    elif body or method == "POST":
        lines.setdefault("Content-Length", str(len(body)))
    head = [f"{method} {path} {version}", *(f"{name}: {value}" for name, value in lines.items() if value)]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def _check(answer: Answer) -> None:
    """Every SOAP message that leaves must be valid, and a failure must not be lost in product code."""
    if answer.content_type == "application/soap+xml":
        envelope_watch.check(answer.body)
    elif answer.content_type == "multipart/related":
        envelope_watch.check_multipart(answer.headers["content-type"], answer.body)


def _address(host: str, port: int) -> IPv4Address | IPv6Address:
    return IPv6Address("TCP", host, port) if ":" in host else IPv4Address("TCP", host, port)
