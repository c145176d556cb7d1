"""Every limit of the HTTP service, crossed by one; and the service goes on."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from bridge.http import limits
from bridge.http.resources import SoapResource, Tree
from bridge.soap.exchange import Reply
from tests.clients import scan_action, windows
from tests.fakes.endpoint import FakeEndpoint, no_jobs
from tests.harness import PEER, Connection, Wire, request_bytes

REQUEST = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")


def wired(endpoint: FakeEndpoint | None = None, **options: Any) -> Wire:
    """A wire to one SOAP address, /scan."""
    tree = Tree()
    tree.putChild(b"scan", SoapResource(endpoint or FakeEndpoint(GetActiveJobs=no_jobs)))
    return Wire(tree, **options)


def padded(size: int) -> bytes:
    """A good request of `size` bytes."""
    return REQUEST + b" " * (size - len(REQUEST))


def refused(line: Connection, status: int) -> None:
    """Assert that `line` was refused with `status`, in a sentence, and that the server sends no more."""
    answer = line.answers[-1]
    assert (answer.status, answer.complete, answer.content_type) == (status, True, "text/plain")
    assert answer.headers["connection"] == "close"
    assert answer.body.endswith(b"\n")
    assert line.half_closed


@pytest.mark.conformance(37)
def test_a_body_of_the_largest_size_is_taken() -> None:
    """32,767 bytes are read, with a length and in chunks."""
    assert limits.MAX_BODY == 32767
    wire = wired()
    assert wire.post("/scan", padded(32767)).status == 200
    chunks = [padded(32767)[start : start + 1000] for start in range(0, 32767, 1000)]
    assert wire.connect().post("/scan", chunks=chunks).status == 200


@pytest.mark.conformance(37)
def test_one_byte_more_is_413_and_the_end_of_the_connection() -> None:
    """A body that announces too much is refused before it arrives."""
    wire = wired()
    line = wire.connect()
    line.post("/scan", padded(32768)[:0], headers={"Content-Length": "32768"})
    refused(line, 413)
    assert wire.post("/scan", REQUEST).status == 200


@pytest.mark.conformance(37)
@pytest.mark.parametrize("size", [1, 1000, 32768])
def test_chunks_are_counted_as_they_come(size: int) -> None:
    """A chunked body is refused at the first byte too many, whatever its chunks are."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    line = wired(endpoint).connect()
    body = padded(32768)
    line.post("/scan", chunks=[body[start : start + size] for start in range(0, len(body), size)])
    refused(line, 413)
    assert endpoint.asked == []


@pytest.mark.parametrize("length", ["9" * 15, "9" * 16, "1" + "0" * 5000, "0" * 20 + "5"])
def test_absurd_lengths_are_refused(length: str) -> None:
    """A length that no integer holds is refused like one that is merely too large, and logged by nobody."""
    with capturedLogs() as logs:
        line = wired().connect()
        line.post("/scan", headers={"Content-Length": length})
    refused(line, 413)
    assert not [event for event in logs if event["log_level"] >= LogLevel.warn]


def test_a_head_of_the_largest_size_is_taken() -> None:
    """A request line and headers of 16 KiB are read, one byte more is 431."""
    wire = wired()
    for length, status in ((limits.MAX_HEADER_BYTES, 200), (limits.MAX_HEADER_BYTES + 1, 431)):
        head = request_bytes("POST", "/scan", REQUEST, headers={"Content-Type": "application/soap+xml", "X": "y"})
        lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
        fill = b"y" * (length - sum(map(len, lines)))
        line = wire.connect()
        line.send(head.replace(b"X: y", b"X: y" + fill))
        assert line.answers[-1].status == status
    refused(line, 431)


def test_a_line_that_does_not_end_is_refused() -> None:
    """A client that sends no line feed cannot make us hold more than a head."""
    line = wired().connect()
    line.send(b"POST /" + b"x" * limits.MAX_HEADER_BYTES)
    refused(line, 431)


def test_as_many_headers_as_the_limit_are_taken() -> None:
    """64 headers are read, 65 are 431."""
    wire = wired()
    for count, status in ((limits.MAX_HEADERS, 200), (limits.MAX_HEADERS + 1, 431)):
        extra = {f"X-{number}": "y" for number in range(count - 3)}
        line = wire.connect()
        assert line.post("/scan", REQUEST, headers=extra).status == status
    refused(line, 431)


def test_a_slow_request_is_refused_after_30_seconds() -> None:
    """The time runs from the first byte, and more bytes do not prolong it."""
    wire = wired()
    line = wire.connect()
    data = request_bytes("POST", "/scan", REQUEST, headers={"Content-Type": "application/soap+xml"})
    for number in range(30):
        line.send(data[number : number + 1])
        assert line.answers == []
        wire.advance(limits.REQUEST_S / 30)
    refused(line, 408)
    assert limits.REQUEST_S == 30


def test_a_request_that_arrives_in_time_is_answered() -> None:
    """Just before the time is over the last byte is welcome."""
    wire = wired()
    line = wire.connect()
    data = request_bytes("POST", "/scan", REQUEST, headers={"Content-Type": "application/soap+xml"})
    line.send(data[:-1])
    wire.advance(29.9)
    line.send(data[-1:])
    assert line.answers[-1].status == 200


def test_the_body_belongs_to_the_time_of_a_request() -> None:
    """A body that never comes is 408 as well, and so is a chunked one."""
    for headers in ({"Content-Length": "100"}, {"Transfer-Encoding": "chunked", "Content-Length": ""}):
        wire = wired()
        line = wire.connect()
        line.post("/scan", headers=headers)
        wire.advance(29.9)
        assert line.answers[-1].status == 0
        wire.advance(0.1)
        refused(line, 408)


def test_an_idle_connection_is_closed_after_60_seconds() -> None:
    """A connection without a request is closed without a word, before its first and between two."""
    wire = wired()
    silent, used = wire.connect(), wire.connect()
    wire.advance(30)
    assert used.post("/scan", REQUEST).status == 200
    wire.advance(29.9)
    assert not silent.closed
    wire.advance(0.1)
    assert silent.closed
    assert silent.raw == b""
    assert not used.closed
    wire.advance(29.8)
    assert used.post("/scan", REQUEST).status == 200
    wire.advance(60)
    assert used.closed
    assert wire.site.connections == 0


def test_line_breaks_between_requests_are_no_request() -> None:
    """The empty line that some clients send behind a body does not start the time of the next request."""
    wire = wired()
    line = wire.connect()
    line.post("/scan", REQUEST)
    line.send(b"\r\n")
    wire.advance(59)
    assert not line.closed
    assert line.post("/scan", REQUEST).status == 200


def test_an_operation_has_all_the_time_it_needs() -> None:
    """Neither the time of a request nor that of an idle connection runs while we answer."""
    waiting: Deferred[Reply] = Deferred()
    wire = wired(FakeEndpoint(GetActiveJobs=lambda: waiting))
    line = wire.connect()
    answer = line.post("/scan", REQUEST)
    wire.advance(3600)
    waiting.callback(no_jobs())
    wire.pump()
    assert answer.status == 200
    wire.advance(59)
    assert not line.closed


def test_connections_are_counted() -> None:
    """64 connections are taken, the next one hears 503, and a place that is left is free."""
    wire = wired()
    lines = [wire.connect(peer=f"192.0.2.{number % 5}") for number in range(limits.MAX_CONNECTIONS)]
    assert wire.site.connections == 64
    refused(excess := wire.connect(peer="192.0.2.99"), 503)
    assert wire.site.connections == 64
    lines[0].disconnect()
    assert wire.post("/scan", REQUEST, peer="192.0.2.99").status == 200
    excess.disconnect()
    assert wire.site.connections == 64


def test_connections_of_one_client_are_counted() -> None:
    """16 connections of one address are taken, the next one hears 503, and others are not concerned."""
    wire = wired()
    lines = [wire.connect() for _ in range(limits.MAX_CONNECTIONS_PER_CLIENT)]
    refused(wire.connect(), 503)
    refused(wire.connect(peer=f"::ffff:{PEER}"), 503)
    assert wire.post("/scan", REQUEST, peer="192.0.2.99").status == 200
    lines[3].disconnect()
    assert wire.post("/scan", REQUEST).status == 200


def test_only_allowed_clients_are_taken() -> None:
    """A client that may not come hears 403, and takes no place."""
    asked: list[str] = []
    wire = wired(allowed=lambda peer: asked.append(peer) or peer == PEER)
    refused(wire.connect(peer="198.51.100.1"), 403)
    assert wire.site.connections == 0
    assert wire.post("/scan", REQUEST).status == 200
    assert asked == ["198.51.100.1", PEER]


def test_a_refused_client_may_finish_its_sentence() -> None:
    """What a refused client still sends is thrown away, so that it can read the refusal; then it is cut."""
    wire = wired()
    line = wire.connect()
    line.post("/scan", headers={"Content-Length": "99999"})
    line.send(b"x" * 99999)
    refused(line, 413)
    assert not line.closed
    wire.advance(limits.LINGER_S)
    assert line.closed


def test_a_refused_client_that_does_not_stop_is_cut() -> None:
    """Beyond a bound nothing more is read from it."""
    wire = wired()
    line = wire.connect()
    line.post("/scan", headers={"Content-Length": "99999999"})
    line.send(b"x" * limits.MAX_DISCARDED)
    assert not line.closed
    line.send(b"x")
    assert line.aborted


def test_a_refused_client_that_closes_is_forgotten() -> None:
    """The ordinary end: the client has read the refusal and closes."""
    wire = wired()
    line = wire.connect()
    line.post("/scan", headers={"Content-Length": "99999"})
    line.disconnect()
    assert line.closed
    assert wire.clock.getDelayedCalls() == []


def test_refused_clients_are_counted_too() -> None:
    """Of refused connections a bounded number waits; the next one is closed as soon as it has its answer."""
    wire = wired(allowed=lambda peer: False)
    lines = [wire.connect() for _ in range(limits.MAX_LINGERING)]
    assert not any(line.closed for line in lines)
    last = wire.connect()
    assert last.closed
    assert last.answers[-1].status == 403
    wire.advance(limits.LINGER_S)
    assert all(line.closed for line in lines)
    refused(wire.connect(), 403)


def test_a_refused_client_that_reads_nothing_is_cut() -> None:
    """The refusal itself waits for nobody."""
    wire = wired()
    line = wire.connect()
    line.window = 0
    line.send(b"no HTTP\r\n\r\n")
    wire.advance(limits.LINGER_S)
    assert line.closed


def test_a_client_that_stops_reading_is_cut() -> None:
    """An answer that is not taken for STALL_S ends its connection; one that is taken slowly does not."""

    class Big(SoapResource):
        def render(self, request: Any) -> bytes:
            return b"x" * 200_000

    tree = Tree()
    tree.putChild(b"big", Big(FakeEndpoint()))
    wire = Wire(tree)
    dead, slow = wire.connect(), wire.connect()
    dead.window = slow.window = 0
    dead.get("/big")
    answer = slow.get("/big")
    wire.advance(limits.STALL_S - 1)
    slow.read_on()
    assert answer.complete
    assert not dead.closed
    wire.advance(1)
    assert dead.aborted
    assert not slow.closed


def test_a_client_that_stops_reading_cannot_delay_the_end() -> None:
    """A connection that is to close with bytes unsent is cut after STALL_S."""
    wire = wired()
    line = wire.connect()
    line.window = 0
    line.post("/scan", REQUEST, headers={"Connection": "close"})
    wire.advance(limits.STALL_S - 1)
    assert not line.closed
    wire.advance(1)
    assert line.aborted
    assert wire.site.connections == 0


def test_nothing_waits_when_all_have_gone() -> None:
    """Every clock of a connection ends with it."""
    wire = wired()
    lines = [wire.connect() for _ in range(4)]
    lines[1].post("/scan", REQUEST)
    lines[2].send(b"POST /scan")
    lines[3].window = 0
    lines[3].post("/scan", REQUEST, headers={"Connection": "close"})
    for line in lines:
        line.disconnect()
    assert wire.clock.getDelayedCalls() == []
    assert wire.site.connections == 0


def test_connections_to_an_address_that_is_gone_are_cut() -> None:
    """The others go on, those to this machine itself too; so a client that vanished holds no scanner."""
    wire = wired()
    gone, kept, mapped, local = (
        wire.connect(host=host) for host in ("192.0.2.7", "192.0.2.8", "::ffff:192.0.2.8", "127.0.0.2")
    )
    wire.site.keep_only({"192.0.2.8", "127.0.0.1"})
    wire.pump()
    assert [line.aborted for line in (gone, kept, mapped, local)] == [True, False, False, False]
    assert wire.site.connections == 3
    assert kept.post("/scan", REQUEST).status == 200
