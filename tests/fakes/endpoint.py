"""A SOAP endpoint and an image stream that a test moves by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Element, Envelope
from bridge.soap.exchange import AnyReply, Exchange, Operation, Reply, StreamedReply
from bridge.soap.faults import scan_fault
from bridge.soap.namespaces import tag

MEDIA_TYPE = "image/jpeg"
CONTENT_ID = "image-1@scanbridge"


class FakeEndpoint:
    """Knows the actions in `answers`, by operation name; each answers with what its function returns.

    A function may return a Reply, a StreamedReply, None, or a Deferred of one, or raise. `asked` keeps what came in.
    """

    def __init__(self, **answers: Callable[[], AnyReply | Deferred[Any]]) -> None:
        self.answers: dict[str, Callable[[], AnyReply | Deferred[Any]]] = dict(answers)
        self.asked: list[tuple[Envelope, Exchange]] = []

    def operation(self, action: str) -> Operation | None:
        """The operation behind `action`, None when the test gave none."""
        answer = self.answers.get(action.removeprefix(f"{ns.WSCN}/"))
        if answer is None:
            return None

        async def run(envelope: Envelope, exchange: Exchange) -> AnyReply:
            self.asked.append((envelope, exchange))
            result = answer()
            return await result if isinstance(result, Deferred) else result

        return run

    def fault(self, error: Exception) -> Exception:
        """As the scan service does it."""
        return scan_fault(error)


def no_jobs() -> Reply:
    """A valid GetActiveJobsResponse."""
    body = WSCN_E.GetActiveJobsResponse(WSCN_E.ActiveJobs())
    return Reply(f"{ns.WSCN}/GetActiveJobsResponse", body)


def retrieve_image_body(content_id: str = CONTENT_ID) -> Element:
    """A valid RetrieveImageResponse that includes the part `content_id`."""
    body: Element = WSCN_E.RetrieveImageResponse(WSCN_E.ScanData())
    include = body[0].makeelement(tag(ns.XOP, "Include"), nsmap={"xop": ns.XOP})
    include.set("href", f"cid:{content_id}")
    body[0].append(include)
    return body


def image_reply(stream: FakeImageStream, media_type: str = MEDIA_TYPE, content_id: str = CONTENT_ID) -> StreamedReply:
    """A valid answer to RetrieveImage whose image is `stream`."""
    body = retrieve_image_body(content_id)
    return StreamedReply(f"{ns.WSCN}/RetrieveImageResponse", body, stream, media_type, content_id)


@implementer(IPushProducer)
class FakeImageStream:
    """An image whose bytes the test writes. `heard` lists what happened to it, in order.

    The test ends it with `done` or `fail`; `produce=True` makes it a producer that is paused and resumed.
    """

    def __init__(self, *, produce: bool = True) -> None:
        self.heard: list[str] = []
        self.paused = False
        self._produce = produce
        self._consumer: Any = None
        self._delivering: Deferred[None] = Deferred()

    def deliver(self, consumer: IConsumer) -> Deferred[None]:
        """ImageStream."""
        self.heard.append("deliver")
        self._consumer = consumer
        if self._produce:
            consumer.registerProducer(self, True)
        return self._delivering

    def abandon(self) -> None:
        """ImageStream."""
        self.heard.append("abandon")

    def delivered(self) -> None:
        """ImageStream."""
        self.heard.append("delivered")

    def write(self, data: bytes) -> None:
        """The scanner has brought `data`."""
        self._consumer.write(data)

    def done(self) -> None:
        """The image is complete."""
        if self._produce:
            self._consumer.unregisterProducer()
        self._delivering.callback(None)

    def fail(self, error: Exception) -> None:
        """The scanner has failed."""
        self._delivering.errback(error)

    def pauseProducing(self) -> None:
        """IPushProducer."""
        self.paused = True

    def resumeProducing(self) -> None:
        """IPushProducer."""
        self.paused = False

    def stopProducing(self) -> None:
        """IPushProducer."""
        self.heard.append("stopped")
