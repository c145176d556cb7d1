"""An event sink on loopback that behaves as badly as a test wants, over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from bridge.dpws.sinks import Sink

LOOPBACK = "127.0.0.1"


class Visit(Protocol):
    """One connection: `request` is what came, `port` where it came; `gone` fires when the connection is."""

    def __init__(self, server: SinkServer) -> None:
        self._server = server
        self.request = b""
        self.port = server.port
        self.gone: Deferred[None] = Deferred()
        self._complete = False

    @property
    def head(self) -> list[str]:
        """Request line and headers."""
        return self.request.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")

    @property
    def content(self) -> bytes:
        """What follows the headers."""
        return self.request.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> list[str]:
        """All values of the header `name`."""
        fields = [line.partition(":") for line in self.head[1:]]
        return [value.strip() for field, _, value in fields if field.lower() == name.lower()]

    def dataReceived(self, data: bytes) -> None:
        """Collect the request, then do what the test wants."""
        self.request += data
        _head, blank, content = self.request.partition(b"\r\n\r\n")
        if blank and not self._complete and len(content) == int((self.header("content-length") or ["0"])[0]):
            self._complete = True
            self._server.visited(self)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Tell the test."""
        self.gone.callback(None)


class SinkServer:
    """Listens on a free port of loopback; `answer` is called with each complete request."""

    def __init__(self, answer: Callable[[Visit], object] | bytes = b"") -> None:
        self._answer = answer
        self.visits: list[Visit] = []
        self._waiting: list[tuple[int, Deferred[Visit]]] = []
        factory = Factory()
        factory.buildProtocol = lambda _address: Visit(self)  # type: ignore[assignment, method-assign]
        net: Any = reactor
        self._port: IListeningPort = net.listenTCP(0, factory, interface=LOOPBACK)

    @property
    def port(self) -> int:
        """The port number."""
        number: int = self._port.getHost().port
        return number

    def sink(self, target: str = "/4d5c?q=1") -> Sink:
        """The sink at this server."""
        return Sink(f"http://{LOOPBACK}:{self.port}{target}", LOOPBACK, self.port, target)

    def visited(self, visit: Visit) -> None:
        """A request is complete."""
        self.visits.append(visit)
        if callable(self._answer):
            self._answer(visit)
        elif self._answer and visit.transport is not None:
            visit.transport.write(self._answer)
        due = [waiter for count, waiter in self._waiting if count == len(self.visits)]
        for waiter in due:
            waiter.callback(visit)

    def visit(self, count: int = 1) -> Deferred[Visit]:
        """Fires with the `count`th visit when its request is complete."""
        waiter: Deferred[Visit] = Deferred()
        if len(self.visits) >= count:
            waiter.callback(self.visits[count - 1])
        else:
            self._waiting.append((count, waiter))
        return waiter

    async def stop(self) -> None:
        """Listen no more, and close what is open."""
        await self._port.stopListening()
        for visit in self.visits:
            if visit.transport is not None and not visit.gone.called:
                visit.transport.abortConnection()  # type: ignore[attr-defined]
                await visit.gone
