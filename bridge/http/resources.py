"""The URL tree: SOAP endpoints under the device's UUID, pages for people beside them.

    /<uuid>                        device endpoint: Get, Probe, Resolve
    /<uuid>/scan                   scan service
    /StableWSDiscoveryEndpoint/... Probe and Resolve by a client that knows the address only
    /                              pages for people

(design.md 4; discovery-and-metadata.md 4.7 and 7.)
"""

# Twisted's web classes have no types, and ours inherit that.
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import resource, server

from bridge.http.site import Request, literal, method_not_allowed, plain
from bridge.http.trace import WireTrace
from bridge.soap import media, mtom
from bridge.soap import namespaces as ns
from bridge.soap.addressing import fault_message
from bridge.soap.dispatch import Answer, Call, FaultStatus
from bridge.soap.exchange import Endpoint, Exchange
from bridge.soap.faults import SoapFault
from bridge.soap.mtom_reader import MultipartError, first_part

log = Logger()

SOAP_CONTENT_TYPE = b"application/soap+xml; charset=utf-8"

Visited = Callable[[str, str, str, int], None]
"""Hears of each answer: the client's address literal, its User-Agent, the action it asked for, the HTTP status."""


class Branch(resource.Resource):
    """A place in the tree that answers nothing itself; what is not registered below it is 404 in plain text."""

    def getChild(self, path: bytes, request: Any) -> resource.Resource:
        """Twisted asks this for a name that is not registered."""
        return _NOTHING

    def render(self, request: Any) -> bytes | int:
        """Answer a request for the place itself."""
        return plain(request, 404, "there is nothing at this address")


_NOTHING = Branch()


class Tree(Branch):
    """The root. Pages for people are registered with `putChild`, as with every Twisted resource."""

    def add_device(self, uuid: str, device: SoapResource, service: SoapResource) -> None:
        """Answer for the device `uuid` and its scan service."""
        device.putChild(b"scan", service)
        self.putChild(uuid.encode("ascii"), device)

    def remove_device(self, uuid: str) -> None:
        """Answer 404 for `uuid` from now on; requests under way go on. Harmless when it is not there."""
        self.children.pop(uuid.encode("ascii"), None)

    def set_directed_discovery(self, endpoint: SoapResource) -> None:
        """Answer at the fixed path that clients try on an address they were told (checklist 89)."""
        stable = Branch()
        stable.putChild(ns.STABLE_DISCOVERY_LEAF.encode("ascii"), endpoint)
        self.putChild(ns.STABLE_DISCOVERY_PATH.encode("ascii"), stable)


class SoapResource(Branch):
    """A SOAP endpoint at a URL: POST only, one envelope in, one envelope out, perhaps with an image behind it.

    `fault_status` is the setting interop.fault_status, `trace` the setting log.wire; `visited` hears of every answer.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        fault_status: FaultStatus = "soap12",
        trace: WireTrace | None = None,
        visited: Visited = lambda client, agent, action, status: None,
    ) -> None:
        super().__init__()
        self._visited = visited
        self._endpoint = endpoint
        self._fault_status: FaultStatus = fault_status
        self._trace = trace or WireTrace()

    def render(self, request: Any) -> bytes | int:
        """Answer a request that has arrived completely (checklist 39)."""
        if request.method != b"POST":
            return method_not_allowed(request, (b"POST",))
        exchange = exchange_of(request)
        try:
            data = _envelope_of(request)
        except _WrongMedia:
            return plain(request, 415, f"messages to this address are {media.SOAP}")
        except MultipartError as error:
            message = fault_message(SoapFault.sender(f"the multipart message cannot be read: {error}"), None)
            self._trace.answer(exchange, 400, message)
            request.setResponseCode(400)
            request.setHeader(b"content-type", SOAP_CONTENT_TYPE)
            return message
        self._trace.request(exchange, data)
        answering = _Answering(request, exchange, self._trace, self._visited)
        answering.start(Call(self._endpoint, data, exchange, self._fault_status))
        return server.NOT_DONE_YET


class _Answering:
    """One request on its way from complete to answered, or to a client that has gone."""

    def __init__(self, request: Request, exchange: Exchange, trace: WireTrace, visited: Visited) -> None:
        self._request = request
        self._visited = visited
        self._exchange = exchange
        self._trace = trace
        self._streaming: mtom.StreamedAnswer | None = None
        self._gone = False

    def start(self, call: Call) -> None:
        """Ask the endpoint, and hear of a client that does not wait for the answer."""
        self._request.notifyFinish().addErrback(self._lost, call)
        call.start().addCallback(self._send).addErrback(self._unsent)

    def _lost(self, _: Failure, call: Call) -> None:
        self._gone = True
        log.debug("{peer} has gone before its answer was complete", peer=self._exchange.peer_host)
        if self._streaming is not None:
            self._streaming.abandon()
        else:
            call.cancel()

    def _send(self, answer: Answer) -> None:
        request = self._request
        request.note = answer.action
        agent = (request.getHeader(b"user-agent") or b"").decode("latin-1")
        self._visited(self._exchange.peer_host, agent, answer.action, answer.status)
        if self._gone:
            if answer.streamed is not None:
                answer.streamed.image.abandon()
            return
        self._trace.answer(
            self._exchange, answer.status, answer.message, answer.streamed.media_type if answer.streamed else ""
        )
        request.setResponseCode(answer.status)
        if answer.streamed is not None:
            self._stream(answer)
            return
        if answer.message:
            request.setHeader(b"content-type", SOAP_CONTENT_TYPE)
        request.setHeader(b"content-length", b"%d" % len(answer.message))
        request.write(answer.message)
        request.finish()

    def _stream(self, answer: Answer) -> None:
        reply = answer.streamed
        assert reply is not None
        try:
            framing = mtom.frame(answer.message, reply.media_type, reply.content_id, mtom.new_boundary())
        except ValueError:
            reply.image.abandon()
            raise
        self._request.setHeader(b"content-type", framing.content_type.encode("ascii"))
        self._request.setHeader(b"mime-version", b"1.0")
        self._streaming = mtom.StreamedAnswer(reply.image, framing, self._request)
        self._streaming.start()

    def _unsent(self, failure: Failure) -> None:
        """No answer: expected when the client has gone, else a defect, and the client must not wait for ever."""
        if not self._gone:
            self._request.processingFailed(failure)


class _WrongMedia(Exception):
    """The request's Content-Type is not one of SOAP."""


def exchange_of(request: Any) -> Exchange:
    """Where `request` came from and where it came in."""
    local = request.getHost()
    path = b"/".join([b"", *request.prepath, *request.postpath])
    return Exchange(
        local_host=literal(local),
        local_port=getattr(local, "port", 0),
        peer_host=literal(request.client),
        path=path.decode("utf-8", "replace"),
    )


def _envelope_of(request: Any) -> bytes:
    """The envelope in the body of `request`. Raises _WrongMedia, MultipartError."""
    value = (request.getHeader(b"content-type") or b"").decode("latin-1")
    try:
        media_type, _ = media.parse_content_type(value)
    except ValueError as error:
        raise _WrongMedia from error
    body: bytes = request.content.getvalue()
    if media_type == media.SOAP:
        return body
    if media_type == media.MULTIPART:
        return first_part(value, body)
    raise _WrongMedia
