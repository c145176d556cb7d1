"""SOAP requests over HTTP: one POST, one bounded answer (discovery-and-metadata.md 7 and 8)."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet import error as net
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IConsumer, IReactorTime, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from bridge import __version__
from bridge.client.address import Address, read_address
from bridge.client.errors import BadAnswer, NoAnswer, ServiceFault
from bridge.soap import media
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, Envelope, new_message_id, qname, read_envelope, text_of, write_envelope
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag
from bridge.soap.parser import MAX_MESSAGE, MalformedXml
from bridge.system.escape import safe

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
"""How long a device may take for a whole answer, in seconds; retrieving an image has its own limits."""


class SoapClient:
    """Talks to one device after the other; `clock` ends what takes too long."""

    def __init__(self, agent: IAgent, clock: IReactorTime) -> None:
        self._agent = agent
        self.clock = clock

    async def call(
        self, address: Address, action: str, body: Element | None, *, to: str = "", timeout: float = ANSWER_TIMEOUT_S
    ) -> Envelope:
        """The answer to `action` at `address`; `to` is the wsa:To where it is not the URL itself.

        Raises ServiceFault when the device refuses, NoAnswer and BadAnswer.
        """
        whole = Deferred.fromCoroutine(self._call(address, action, body, to))
        try:
            answer: Envelope = await whole.addTimeout(timeout, self.clock)
        except TookTooLong as error:
            raise NoAnswer(f"{address}: no answer within {timeout:g} s") from error
        return answer

    async def open(self, address: Address, action: str, body: Element | None, *, to: str, timeout: float) -> IResponse:
        """The response to `action` as soon as its headers are here; whoever asks reads the body. Raises NoAnswer."""
        message = write_envelope(action, body, to=to or address.wire, message_id=new_message_id())
        headers = Headers(
            {
                b"Host": [address.host_header.encode()],
                b"Content-Type": [b"application/soap+xml; charset=utf-8"],
                b"User-Agent": [f"scanbridge/{__version__}".encode()],
            }
        )
        request = self._agent.request(b"POST", str(address).encode(), headers, MessageProducer(message))
        try:
            response: IResponse = await request.addTimeout(timeout, self.clock)
        except TookTooLong as error:
            raise NoAnswer(f"{address}: no answer within {timeout:g} s") from error
        except (net.ConnectError, net.DNSLookupError) as error:
            raise NoAnswer(f"{address}: no connection: {error}") from error
        except net.ConnectingCancelledError as error:
            raise NoAnswer(f"{address}: no connection within {timeout:g} s") from error
        except (net.ConnectionClosed, ResponseFailed) as error:
            if _was_cancelled(error):
                raise NoAnswer(f"{address}: no answer in time") from error
            raise NoAnswer(f"{address}: the connection broke off before an answer") from error
        return response

    async def _call(self, address: Address, action: str, body: Element | None, to: str) -> Envelope:
        response = await self.open(address, action, body, to=to, timeout=ANSWER_TIMEOUT_S)
        return await read_answer(response, str(address))


async def read_answer(response: IResponse, where: str) -> Envelope:
    """The envelope that `response` carries. Raises ServiceFault for a fault, BadAnswer for what is no SOAP.

    The HTTP status decides nothing where there is an envelope: some devices send faults with status 200.
    """
    collector = BodyCollector(MAX_MESSAGE)
    response.deliverBody(collector)
    data = await collector.done
    try:
        envelope = read_envelope(data)
    except (MalformedXml, SoapFault) as error:
        if response.code != 200:
            raise BadAnswer(f"{where}: HTTP status {response.code}") from error
        raise BadAnswer(f"{where}: the answer is no SOAP message: {error}") from error
    if envelope.body is None:
        raise BadAnswer(f"{where}: the answer is empty")
    if envelope.body.tag == tag(ns.SOAP, "Fault"):
        raise read_fault(envelope.body)
    return envelope


def read_fault(body: Element) -> ServiceFault:
    """The fault in `body`, its words made harmless for a terminal."""
    value = body.find(f"{tag(ns.SOAP, 'Code')}/{tag(ns.SOAP, 'Subcode')}/{tag(ns.SOAP, 'Value')}")
    if value is None:
        value = body.find(f"{tag(ns.SOAP, 'Code')}/{tag(ns.SOAP, 'Value')}")
    name = "" if value is None else qname(value, text_of(value)) or text_of(value).rpartition(":")[2]
    reason = body.find(f"{tag(ns.SOAP, 'Reason')}/{tag(ns.SOAP, 'Text')}")
    return ServiceFault(safe(ns.local_name(name)), safe(text_of(reason)))


def media_type(response: IResponse) -> str:
    """The Content-Type of `response` as it was sent, empty when there is none."""
    values = response.headers.getRawHeaders(b"content-type") or [b""]
    value: bytes = values[0]
    return value.decode("latin-1")


def is_multipart(response: IResponse) -> bool:
    """Whether `response` brings an image beside its envelope."""
    try:
        return media.parse_content_type(media_type(response))[0] == media.MULTIPART
    except ValueError:
        return False


class BodyCollector(Protocol):
    """Takes at most `limit` bytes of a body; `done` fires with them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self.done: Deferred[bytes] = Deferred(lambda _deferred: self._drop())

    def dataReceived(self, data: bytes) -> None:
        """The next bytes."""
        self._data += data
        if len(self._data) > self._limit and not self.done.called:
            self.done.errback(BadAnswer(f"the answer has more than {self._limit} bytes"))
            self._drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The body is complete, or the connection is."""
        if self.done.called:
            return
        if is_whole(reason):
            self.done.callback(bytes(self._data))
        else:
            self.done.errback(NoAnswer("the connection broke off in the middle of an answer"))

    def _drop(self) -> None:
        if self.transport is not None:
            cast(ITCPTransport, self.transport).loseConnection()


def _was_cancelled(error: Exception) -> bool:
    """Whether a request failed because we gave it up: HTTP then reports a response that never came."""
    return any(isinstance(reason.value, CancelledError) for reason in getattr(error, "reasons", ()))


def is_whole(reason: Failure) -> bool:
    """Whether a body that ends with `reason` may be whole: without a length, only what is in it can tell."""
    return isinstance(reason.value, (ResponseDone, PotentialDataLoss))


@implementer(IBodyProducer)
class MessageProducer:
    """Hands a message that is here whole to HTTP."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self.length = len(message)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Write it at once; it is small."""
        consumer.write(self._message)
        done: Deferred[None] = Deferred()
        done.callback(None)
        return done

    def pauseProducing(self) -> None:
        """Nothing is left to hold back."""

    def resumeProducing(self) -> None:
        """Nothing is left to send."""

    def stopProducing(self) -> None:
        """Nothing is left to stop."""


@implementer(IAgentEndpointFactory)
class Endpoints:
    """Connects to literal addresses as they are, zones included, and looks everything else up."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """The endpoint for a URL that `Address` wrote."""
        address = read_address(uri.toBytes().decode("ascii"))
        host, port = address.host, address.port
        if address.is_ipv6:
            literal = f"{host}%{address.zone}" if address.zone else host
            return TCP6ClientEndpoint(self._reactor, literal, port, CONNECT_TIMEOUT_S)
        if host.replace(".", "").isdigit():
            return TCP4ClientEndpoint(self._reactor, host, port, CONNECT_TIMEOUT_S)
        return HostnameEndpoint(self._reactor, host.encode(), port, CONNECT_TIMEOUT_S)


def make_client(reactor: Any) -> SoapClient:
    """A client on Twisted's `reactor` that opens one connection for each request."""
    return SoapClient(Agent.usingEndpointFactory(reactor, Endpoints(reactor)), reactor)
