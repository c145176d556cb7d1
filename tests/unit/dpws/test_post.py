"""The HTTP client for event sinks against real sockets on loopback: good, dead, slow, lying and redirecting ones."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock, deferLater
from twisted.web.client import ResponseFailed, ResponseNeverReceived

from bridge.dpws.notifier import ATTEMPT_TIMEOUT_S, RETRY_DELAYS_S, Event, Notifier
from bridge.dpws.post import BODY_TIMEOUT_S, MAX_ANSWER, MAX_ANSWER_LINES, DeliveryError, HttpPoster
from bridge.scanner.model import InputSource
from bridge.soap.envelope import read_envelope
from bridge.wsscan.events import scan_available_event
from tests import real_reactor
from tests.deferreds import no_result
from tests.fakes.event_bench import action
from tests.fakes.sink_server import SinkServer, Visit

MESSAGE = b"<a message/>"
Answer = Callable[[Visit], object] | bytes


def posted(answer: Answer, judge: Callable[[Visit], Coroutine[Any, Any, None]] | None = None) -> Visit:
    """Post MESSAGE to a sink that gives `answer`; the visit it had, after `judge` has looked. Raises what post does."""

    async def story() -> Visit:
        server = SinkServer(answer)
        try:
            await HttpPoster(reactor).post(server.sink(), MESSAGE)
            visit = await server.visit()
            if judge is not None:
                await judge(visit)
            return visit
        finally:
            await server.stop()

    return real_reactor.run(story())


async def hangs_up(visit: Visit) -> None:
    """Wait until the client has closed the connection."""
    await visit.gone


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


FAULT = (
    b'<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/><s:Body><s:Fault>'
    b'<s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text xml:lang="en">no</s:Text></s:Reason>'
    b"</s:Fault></s:Body></s:Envelope>"
)


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content", "299 Fine"])
def test_any_2xx_is_a_delivery(status: str) -> None:
    """One POST with the message, its type and its length, to the path of the sink; then the connection is closed."""
    visit = posted(response(status), hangs_up)
    assert visit.head[0] == "POST /4d5c?q=1 HTTP/1.1"
    assert visit.header("host") == [f"127.0.0.1:{visit.port}"]
    assert visit.header("content-type") == ["application/soap+xml; charset=utf-8"]
    assert visit.header("content-length") == [str(len(MESSAGE))]
    assert visit.header("connection") == ["close"]
    assert visit.content == MESSAGE


def test_what_is_posted_and_how_it_was_taken_can_be_heard() -> None:
    """The trace hears the message with the URL it goes to, then the status of the answer."""
    heard: list[tuple[str, bytes]] = []

    async def story() -> str:
        server = SinkServer(response("202 Accepted"))
        try:
            poster = HttpPoster(reactor, trace=lambda way, message: heard.append((way, message)))
            await poster.post(server.sink(), MESSAGE)
            return server.sink().url
        finally:
            await server.stop()

    url = real_reactor.run(story())
    assert heard == [(f"127.0.0.1 <- {url}", MESSAGE), (f"127.0.0.1 -> {url} 202", b"")]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"thanks", b"<html>", b"<?xml version='1.0'?><ok/>", b"\x00\xff" * 100, b"<x>" * 100, b"y" * 40000,
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    ],
)  # fmt: skip
def test_what_a_2xx_says_besides_does_not_matter(body: bytes) -> None:
    """Any body but a fault comes with a delivery."""
    assert posted(response("200 OK", body), hangs_up).content == MESSAGE


def test_a_fault_is_a_failure_even_with_200() -> None:
    """A sink that lies in its status and answers with a SOAP fault has not taken the event."""
    with pytest.raises(DeliveryError, match="fault"):
        posted(response("200 OK", FAULT))


@pytest.mark.parametrize(
    "status", ["400 Bad Request", "401 Who", "404 Not Found", "500 Oops", "503 Busy", "304 Old", "600 What"]
)
def test_other_statuses_are_failures(status: str) -> None:
    """Everything but 2xx is a failure that names the status."""
    with pytest.raises(DeliveryError, match=status[:3]):
        posted(response(status, FAULT))


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_redirects_lead_nowhere(status: str) -> None:
    """A sink that points elsewhere gets no event delivered there: the redirect is a failure."""

    async def story() -> int:
        elsewhere = SinkServer(response("200 OK"))
        location = f"Location: {elsewhere.sink().url}"
        server = SinkServer(response(f"{status} Moved", b"", location))
        try:
            with pytest.raises(DeliveryError, match=status):
                await HttpPoster(reactor).post(server.sink(), MESSAGE)
            await (await server.visit()).gone
            return len(elsewhere.visits)
        finally:
            await server.stop()
            await elsewhere.stop()

    assert real_reactor.run(story()) == 0


def test_a_dead_sink_is_a_failure() -> None:
    """Where nobody listens the attempt fails at once."""

    async def story() -> None:
        server = SinkServer()
        sink = server.sink()
        await server.stop()
        with pytest.raises(ConnectionRefusedError):
            await HttpPoster(reactor).post(sink, MESSAGE)

    real_reactor.run(story())


def hang_up(visit: Visit) -> None:
    """Close without a word."""
    assert visit.transport is not None
    visit.transport.loseConnection()


@pytest.mark.parametrize(
    "answer",
    [hang_up, b"SSH-2.0-x\r\n\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b"HTTP/1.1 abc no\r\n\r\n"],
)
def test_what_is_no_answer_is_a_failure(answer: Answer) -> None:
    """A sink that hangs up, or speaks another protocol, has not taken the event."""
    with pytest.raises((ResponseFailed, ResponseNeverReceived)):
        posted(answer)


class Flood:
    """Writes `chunk` for as long as the client takes it."""

    def __init__(self, start: bytes, chunk: bytes) -> None:
        self.start = start
        self.chunk = chunk
        self.sent = 0

    def __call__(self, visit: Visit) -> None:
        assert visit.transport is not None
        visit.transport.write(self.start)
        self.visit = visit
        visit.transport.registerProducer(self, False)  # type: ignore[attr-defined]

    def resumeProducing(self) -> None:
        self.sent += len(self.chunk)
        assert self.visit.transport is not None
        self.visit.transport.write(self.chunk)

    def stopProducing(self) -> None:
        """The client has gone."""


def test_endless_headers_are_cut_off() -> None:
    """A sink that never ends its headers fails when its answer is larger than allowed."""
    flood = Flood(b"HTTP/1.1 200 OK\r\n", b"X-More: %s\r\n" % (b"and more " * 500))
    with pytest.raises(ResponseFailed):
        posted(flood)
    assert flood.sent > MAX_ANSWER // 2


def test_many_short_headers_are_cut_off() -> None:
    """An answer of more lines than anybody needs is refused before its headers are read: they would cost seconds."""
    for line in (b"a:b\r\n", b"a:b\n"):
        with pytest.raises(ResponseFailed):
            posted(b"HTTP/1.1 200 OK\r\n" + line * MAX_ANSWER_LINES + b"\r\n")
    assert posted(b"HTTP/1.1 200 OK\r\n" + b"a:b\r\n" * (MAX_ANSWER_LINES - 2) + b"\r\n").content == MESSAGE


def test_an_endless_body_is_cut_off() -> None:
    """A sink that says 200 and never stops talking has taken the event; the connection is closed all the same."""
    flood = Flood(b"HTTP/1.1 200 OK\r\n\r\n", b"more " * 1000)
    assert posted(flood, hangs_up).content == MESSAGE


def test_a_body_that_is_shorter_than_it_says_does_not_matter() -> None:
    """A sink that lies about the length of its answer and hangs up has taken the event."""

    def lie(visit: Visit) -> None:
        assert visit.transport is not None
        visit.transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\nshort")
        visit.transport.loseConnection()

    assert posted(lie, hangs_up).content == MESSAGE


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    """A sink that promises more of its answer and falls silent has taken the event; after a moment we hang up."""

    async def story() -> None:
        clock = Clock()
        server = SinkServer(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\nshort")
        try:
            posting = HttpPoster(reactor, clock).post(server.sink(), MESSAGE)
            while not clock.getDelayedCalls():
                await deferLater(reactor, 0)
            clock.advance(BODY_TIMEOUT_S - 0.1)
            no_result(posting)
            clock.advance(0.1)
            await posting
            await (await server.visit()).gone
        finally:
            await server.stop()

    real_reactor.run(story())


def test_cancelling_closes_the_connection() -> None:
    """Who gives an attempt up leaves no connection behind."""

    async def story() -> None:
        server = SinkServer()
        try:
            posting = HttpPoster(reactor).post(server.sink(), MESSAGE)
            visit = await server.visit()
            posting.cancel()
            with pytest.raises((CancelledError, ResponseNeverReceived)):
                await posting
            await visit.gone
        finally:
            await server.stop()

    real_reactor.run(story())


def test_a_slow_sink_is_left_and_tried_again() -> None:
    """Over a real socket: after ten silent seconds the connection is closed, and a second later the same event
    comes again, over a new connection, and is delivered."""

    async def story() -> None:
        clock = Clock()
        answers: list[Answer] = [b"", response("202 Accepted")]

        def answer(visit: Visit) -> None:
            data = answers.pop(0)
            assert visit.transport is not None
            assert isinstance(data, bytes)
            visit.transport.write(data)

        server = SinkServer(answer)
        failures: list[Deferred[None]] = []
        notifier = Notifier(server.sink(), HttpPoster(reactor), clock, lambda: failures.append(Deferred()))
        try:
            body = scan_available_event("c", "i", InputSource.PLATEN)
            notifier.notify(Event(action("ScanAvailableEvent"), body))
            clock.advance(0)
            first = await server.visit(1)
            clock.advance(ATTEMPT_TIMEOUT_S)
            await first.gone
            clock.advance(RETRY_DELAYS_S[0])
            second = await server.visit(2)
            await notifier.idle()
            assert failures == []
            assert first.content == second.content
            assert read_envelope(second.content).action == action("ScanAvailableEvent")
        finally:
            notifier.close()
            await server.stop()

    real_reactor.run(story())
