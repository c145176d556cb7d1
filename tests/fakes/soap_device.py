"""A device at the other end of the client's HTTP: a scripted IAgent, without any socket.

Each action has a line of answers; what was asked is remembered. An answer is a message, a fault, an image, an exception
or silence, and an image can be handed over in pieces.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml.builder import ElementMaker
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IPushProducer
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse
from zope.interface import implementer

from bridge.errors import BridgeError
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, Envelope, read_envelope, write_envelope
from bridge.soap.faults import SoapFault, fault_body, scan_fault
from bridge.soap.mtom import frame
from tests.deferreds import success_result_of

XOP_E = ElementMaker(namespace=ns.XOP, nsmap={"xop": ns.XOP})


@implementer(IResponse)
class FakeResponse:
    """A response whose body comes at once (`body`), or when the test sends it (`body` None)."""

    version = (b"HTTP", 1, 1)
    phrase = b""
    request = None
    previousResponse = None

    def __init__(self, code: int, content_type: str, body: bytes | None, length: int | None = None) -> None:
        self.code = code
        self.headers = Headers({b"content-type": [content_type.encode()]} if content_type else {})
        self.length: Any = length if length is not None else (len(body) if body is not None else "unknown")
        self.protocol: Any = None
        self.transport = StringTransport()
        self._body = body

    def setPreviousResponse(self, response: object) -> None:
        """Nobody follows redirections here."""

    def deliverBody(self, protocol: Any) -> None:
        """Hand the body to `protocol`."""
        assert IPushProducer.providedBy(self.transport)
        self.protocol = protocol
        protocol.makeConnection(self.transport)
        if self._body is not None:
            self.send(self._body)
            self.end()

    def send(self, data: bytes) -> None:
        """The next bytes of the body."""
        self.protocol.dataReceived(data)

    def end(self, reason: Exception | None = None) -> None:
        """The body is complete, or ends for `reason`."""
        self.protocol.connectionLost(Failure(reason or ResponseDone()))

    @property
    def dropped(self) -> bool:
        """Whether the client has closed the connection."""
        return self.transport.disconnecting


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: where, with which envelope and HTTP headers."""

    url: str
    envelope: Envelope
    headers: Headers

    @property
    def operation(self) -> str:
        """The last step of the action."""
        return (self.envelope.action or "").rpartition("/")[2]


Answer = Callable[[Asked], "FakeResponse | Exception | None"]


@implementer(IAgent)
@dataclass
class FakeDevice:
    """Answers requests by action; the last answer of a line repeats, an action without any is not supported."""

    asked: list[Asked] = field(default_factory=list)
    waiting: list[Deferred[Any]] = field(default_factory=list)
    _answers: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def answers(self, action: str, *answers: Answer) -> None:
        """The answers to `action` in their order; an action without a slash is one of the scan service."""
        self._answers[action if "/" in action else f"{ns.WSCN}/{action}"].extend(answers)

    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Deferred[Any]:
        """Twisted's agent: the client's way out."""
        assert method == b"POST"
        sent = StringTransport()
        success_result_of(bodyProducer.startProducing(sent))
        assert len(sent.value()) == bodyProducer.length
        asked = Asked(uri.decode(), read_envelope(sent.value()), headers)
        self.asked.append(asked)
        line = self._answers.get(asked.envelope.action or "")
        if not line:
            return succeed(fault(SoapFault.action_not_supported(asked.envelope.action or ""))(asked))
        answer = line.popleft() if len(line) > 1 else line[0]
        outcome = answer(asked)
        result: Deferred[Any] = Deferred(_never_received)
        if outcome is None:
            self.waiting.append(result)
        elif isinstance(outcome, Exception):
            result.errback(outcome)
        else:
            result.callback(outcome)
        return result

    @property
    def operations(self) -> list[str]:
        """What was asked, in its order."""
        return [one.operation for one in self.asked]

    def body(self, operation: str) -> Element:
        """The body of the last request for `operation`."""
        found = [one.envelope.body for one in self.asked if one.operation == operation]
        assert found[-1] is not None
        return found[-1]


def _never_received(deferred: Deferred[Any]) -> None:
    # What Twisted's HTTP client does with a request that is given up.
    from twisted.internet.defer import CancelledError

    deferred.errback(ResponseFailed([Failure(CancelledError())]))


def reply(body: Element, action: str | None = None) -> Answer:
    """An answer whose body is `body`; its action is the request's with Response behind it, unless it is given."""

    def answer(asked: Asked) -> FakeResponse:
        name = action or f"{asked.envelope.action}Response"
        message = write_envelope(name, body, relates_to=asked.envelope.message_id)
        return FakeResponse(200, "application/soap+xml; charset=utf-8", message)

    return answer


def fault(error: SoapFault, status: int | None = None) -> Answer:
    """A refusal."""

    def answer(asked: Asked) -> FakeResponse:
        message = write_envelope(error.action, fault_body(error), relates_to=asked.envelope.message_id)
        return FakeResponse(status or error.http_status, "application/soap+xml", message)

    return answer


def refusal(error: BridgeError) -> Answer:
    """What the scan service says to `error`."""
    return fault(scan_fault(error))


def raw(data: bytes, status: int = 200, content_type: str = "application/soap+xml") -> Answer:
    """Bytes as they are."""
    return lambda _asked: FakeResponse(status, content_type, data)


def failing(error: Exception) -> Answer:
    """No answer, but `error`."""
    return lambda _asked: error


def silence(_asked: Asked) -> None:
    """No answer at all."""


def image_package(data: bytes, asked: Asked | None = None) -> tuple[str, bytes]:
    """Content-Type and body of a RetrieveImageResponse with the image `data`."""
    content = WSCN_E.RetrieveImageResponse(WSCN_E.ScanData(XOP_E.Include(href="cid:i@x")))
    relates_to = asked.envelope.message_id if asked else "urn:uuid:00000000-0000-4000-8000-000000000000"
    action = f"{ns.WSCN}/RetrieveImageResponse"
    framing = frame(write_envelope(action, content, relates_to=relates_to), "image/jpeg", "i@x", "b" * 40)
    return framing.content_type, framing.head + data + framing.tail


def image(data: bytes) -> Answer:
    """A RetrieveImageResponse with the image `data`."""

    def answer(asked: Asked) -> FakeResponse:
        content_type, body = image_package(data, asked)
        return FakeResponse(200, content_type, body)

    return answer
