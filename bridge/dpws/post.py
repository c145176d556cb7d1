"""The HTTP client that carries messages to event sinks (eventing.md 8.1).

Sinks are other people's programs: an answer is bounded in bytes and time, nothing it says leads anywhere else, and
any 2xx counts as taken unless a SOAP fault comes with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IConsumer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer
from zope.interface import implementer

from bridge import __version__
from bridge.dpws.sinks import Sink
from bridge.errors import BridgeError
from bridge.soap import namespaces as ns
from bridge.soap.namespaces import tag
from bridge.soap.parser import MalformedXml, parse_xml

CONNECT_TIMEOUT_S = 5.0
"""Longest wait for a connection: on one network it takes milliseconds."""

BODY_TIMEOUT_S = 2.0
"""Longest wait for the rest of an answer that says in its status that the message was taken."""

MAX_ANSWER = 65536
"""Most bytes of an answer, headers included; a sink that says more is cut off."""


MAX_ANSWER_LINES = 256
"""Most lines of an answer, for the same reason: the time that Agent takes for headers grows with their square."""


class DeliveryError(BridgeError):
    """The event sink did not take the message."""


class HttpPoster:
    """Posts each message over a connection of its own; `trace` hears of each and of its answer (setting log.wire)."""

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime | None = None,
        trace: Callable[[str, bytes], None] = lambda way, message: None,
    ) -> None:
        self._reactor = reactor
        self._trace = trace
        self._clock: IReactorTime = reactor if clock is None else clock

    def post(self, sink: Sink, message: bytes) -> Deferred[None]:
        """Fires when `sink` has taken `message`. Fails with DeliveryError or an error of the network.

        Nothing limits the time until the status line; cancel the result for that.
        """
        agent = Agent.usingEndpointFactory(self._reactor, _SinkEndpoint(self._reactor, sink))
        headers = Headers(
            {
                b"content-type": [b"application/soap+xml; charset=utf-8"],
                b"user-agent": [f"Scanbridge/{__version__}".encode()],
            }
        )
        url = f"http://{sink.netloc}{sink.target}".encode("ascii")
        self._trace(f"{sink.host} <- {sink.url}", message)
        answered: Deferred[Any] = agent.request(b"POST", url, headers, _Body(message))
        return answered.addCallback(self._judge, sink)

    def _judge(self, response: Any, sink: Sink) -> Deferred[None]:
        self._trace(f"{sink.host} -> {sink.url} {response.code}", b"")
        body = _Answer()
        if not 200 <= response.code < 300:
            response.deliverBody(body)
            body.cut()
            raise DeliveryError(f"it answered with HTTP status {response.code}")
        whole = body.whole
        response.deliverBody(body)
        whole.addTimeout(BODY_TIMEOUT_S, self._clock, onTimeoutCancel=lambda _result, _timeout: b"")
        return whole.addCallback(_refuse_fault)


def _refuse_fault(body: bytes) -> None:
    """Raise DeliveryError when `body` is a SOAP fault; whatever else a sink says is its own business."""
    try:
        root = parse_xml(body) if body else None
    except MalformedXml:
        return
    if root is not None and root.find(f"{tag(ns.SOAP, 'Body')}/{tag(ns.SOAP, 'Fault')}") is not None:
        raise DeliveryError("it answered with a SOAP fault")


class _Answer(Protocol):
    """Collects the body of an answer; `whole` fires with it, or with nothing when it does not come to its end."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.whole: Deferred[bytes] = Deferred(lambda _cancelled: self.cut())

    def cut(self) -> None:
        """Take no more, and close the connection."""
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Some more of the body."""
        self._chunks.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body is complete, or will never be."""
        if not self.whole.called:
            self.whole.callback(b"".join(self._chunks) if reason.check(ResponseDone) else b"")


@implementer(IBodyProducer)
class _Body:
    """A request's body that is there already."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write everything."""
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Nothing is left to pause."""

    def resumeProducing(self) -> None:
        """Nothing is left to resume."""

    def stopProducing(self) -> None:
        """Nothing is left to stop."""


@implementer(IAgentEndpointFactory)
class _SinkEndpoint:
    """Connects to one sink by its address, and to nothing else, without any resolver."""

    def __init__(self, reactor: Any, sink: Sink) -> None:
        self._reactor = reactor
        self._sink = sink

    def endpointForURI(self, uri: URI) -> Any:
        """The sink's endpoint, whatever the URI says."""
        return self

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect, with an eye on how much comes back."""
        kind = TCP6ClientEndpoint if ":" in self._sink.host else TCP4ClientEndpoint
        endpoint: Any = kind(self._reactor, self._sink.host, self._sink.port, timeout=CONNECT_TIMEOUT_S)
        bounded: Any = _BoundedFactory(factory)  # type: ignore[no-untyped-call]
        connecting: Deferred[Any] = endpoint.connect(bounded)
        return connecting.addCallback(lambda wrapper: wrapper.wrappedProtocol)


class _Bounded(ProtocolWrapper):
    """Cuts the connection when more than MAX_ANSWER bytes have come in, or more than MAX_ANSWER_LINES lines.

    Agent itself takes any number of headers, and with the shortest in MAX_ANSWER it holds the reactor up for seconds.
    """

    _received = 0
    _lines = 0
    transport: Any

    def dataReceived(self, data: bytes) -> None:
        """Pass on what is within the limit."""
        self._received += len(data)
        self._lines += data.count(b"\n")
        if self._received > MAX_ANSWER or self._lines > MAX_ANSWER_LINES:
            self.transport.abortConnection()
        else:
            super().dataReceived(data)  # type: ignore[no-untyped-call]


class _BoundedFactory(WrappingFactory):
    protocol = _Bounded
    noisy = False
