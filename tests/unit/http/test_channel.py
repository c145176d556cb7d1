"""HTTP itself: what is understood, what is refused, and how connections live on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from bridge.http.resources import SoapResource, Tree
from bridge.soap.exchange import Reply
from tests.clients import scan_action, windows
from tests.fakes.endpoint import FakeEndpoint, no_jobs
from tests.harness import SOAP_HEADERS, Wire, request_bytes

REQUEST = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")
GOOD = request_bytes("POST", "/scan", REQUEST, headers=SOAP_HEADERS)


def wired(endpoint: FakeEndpoint | None = None) -> Wire:
    """A wire to one SOAP address, /scan."""
    tree = Tree()
    tree.putChild(b"scan", SoapResource(endpoint or FakeEndpoint(GetActiveJobs=no_jobs)))
    return Wire(tree)


def with_head(*lines: bytes, body: bytes = REQUEST) -> bytes:
    """A POST with these header lines and no others that matter to its length."""
    head = [b"POST /scan HTTP/1.1", b"Host: 192.0.2.7:8018", b"Content-Type: application/soap+xml"]
    return b"\r\n".join([*head, *lines, b"", body])


@pytest.mark.conformance(33)
def test_a_connection_serves_one_request_after_the_other() -> None:
    """Requests on one connection are answered in turn, also with Connection: Keep-Alive as Windows sends it."""
    line = wired().connect()
    for headers in ({}, {"Connection": "Keep-Alive"}, {}):
        answer = line.post("/scan", REQUEST, headers=headers)
        assert answer.status == 200
        assert "connection" not in answer.headers
    assert not line.closed


def test_pipelined_requests_are_answered_in_order() -> None:
    """A client that does not wait gets its answers all the same, one after the other."""
    first: Deferred[Reply] = Deferred()
    answers = iter([first, no_jobs()])
    wire = wired(FakeEndpoint(GetActiveJobs=lambda: next(answers)))
    line = wire.connect()
    line.send(GOOD * 2)
    assert line.answers == []
    first.callback(no_jobs())
    wire.pump()
    assert [answer.status for answer in line.answers] == [200, 200]


def test_a_request_in_single_bytes_is_understood() -> None:
    """How the bytes of a request arrive makes no difference."""
    line = wired().connect()
    for byte in GOOD:
        line.send(bytes([byte]))
    assert line.answers[-1].status == 200


@pytest.mark.conformance(39)
def test_nothing_is_answered_before_the_request_is_complete() -> None:
    """Until the last byte of the body has arrived the endpoint is not asked, and nothing is sent."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    line = wired(endpoint).connect()
    line.send(GOOD[:-1])
    assert (line.raw, endpoint.asked) == (b"", [])
    line.send(GOOD[-1:])
    assert line.answers[-1].status == 200


@pytest.mark.conformance(32)
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_chunked_requests_are_taken(size: int) -> None:
    """A body in chunks is put together, with extensions and trailers ignored."""
    line = wired().connect()
    chunks = [REQUEST[start : start + size] for start in range(0, len(REQUEST), size)]
    assert line.post("/scan", chunks=chunks).status == 200
    body = b"%X;name=value\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(REQUEST), REQUEST)
    line.send(with_head(b"Transfer-Encoding: Chunked", body=body))
    assert line.answers[-1].status == 200


@pytest.mark.conformance(40)
def test_expect_100_continue_is_answered() -> None:
    """A client that waits for permission gets it, before its body and never for a body that is refused."""
    line = wired().connect()
    answer = line.post("/scan", headers={"Expect": "100-continue", "Content-Length": str(len(REQUEST))})
    assert line.interim == [100]
    assert answer.status == 0
    line.send(REQUEST)
    assert answer.status == 200
    other = wired().connect()
    answer = other.post("/scan", headers={"Expect": "100-continue", "Content-Length": "32768"})
    assert (other.interim, answer.status) == ([], 413)


def test_http_1_0_gets_its_answer_and_the_end() -> None:
    """A client of HTTP/1.0 gets an answer with a length, and the connection closes behind it."""
    for headers in ({}, {"Connection": "keep-alive"}):
        line = wired().connect()
        answer = line.post("/scan", REQUEST, version="HTTP/1.0", headers=headers)
        assert answer.status == 200
        assert "transfer-encoding" not in answer.headers
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert line.closed
        assert not line.aborted


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close", "TE,close"])
def test_connection_close_is_honoured(value: str) -> None:
    """A client that asks for it gets Connection: close and the end, after the whole answer."""
    line = wired().connect()
    answer = line.post("/scan", REQUEST, headers={"Connection": value})
    assert answer.complete
    assert answer.headers["connection"] == "close"
    assert line.closed
    assert not line.aborted


def test_an_absolute_target_is_its_path() -> None:
    """A request line with a whole URL means the path in it, as HTTP has it."""
    line = wired().connect()
    for target in ("http://192.0.2.7:8018/scan", "HTTP://[fe80::1]/scan?x=y"):
        assert line.post(target, REQUEST).status == 200
    assert line.post("http://192.0.2.7", REQUEST).status == 404


CONFLICTS = {
    "two lengths": (b"Content-Length: %d" % len(REQUEST), b"Content-Length: 5"),
    "equal lengths": (b"Content-Length: %d" % len(REQUEST),) * 2,
    "length and chunks": (b"Content-Length: %d" % len(REQUEST), b"Transfer-Encoding: chunked"),
    "chunks and length": (b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(REQUEST)),
    "length and identity": (b"Transfer-Encoding: identity", b"Content-Length: %d" % len(REQUEST)),
    "chunks twice": (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "gzip": (b"Transfer-Encoding: gzip, chunked",),
    "unknown coding": (b"Transfer-Encoding: xchunked", b"Content-Length: 5"),
    "negative length": (b"Content-Length: -1",),
    "signed length": (b"Content-Length: +5",),
    "length in hex": (b"Content-Length: 0x5",),
    "list of lengths": (b"Content-Length: 5, 5",),
    "empty length": (b"Content-Length:",),
    "blank before the colon": (b"Content-Length : 5",),
    "no colon": (b"Content-Length",),
    "no name": (b": 5",),
    "name of two words": (b"Content Length: 5",),
    "NUL in a value": (b"X: a\x00b",),
    "line feed in a value": (b"X: a\nContent-Length: 5",),
}


@pytest.mark.parametrize("lines", CONFLICTS.values(), ids=CONFLICTS.keys())
def test_a_body_whose_end_is_in_doubt_is_refused(lines: tuple[bytes, ...]) -> None:
    """Contradictory or malformed headers are 400 and the end: nothing behind them is taken for a request."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    line = wired(endpoint).connect()
    with capturedLogs() as logs:
        line.send(with_head(*lines) + GOOD)
    assert [answer.status for answer in line.answers] == [400]
    assert line.answers[0].content_type == "text/plain"
    assert line.half_closed
    assert endpoint.asked == []
    assert not [event for event in logs if event["log_level"] >= LogLevel.warn]


REQUEST_LINES = {
    b"GET": 400,
    b"GET /": 400,
    b"GET / HTTP/1.1 more": 400,
    b"\x00\x01\x02": 400,
    b"G\xc3\x84T / HTTP/1.1": 400,
    b"POST /\xff HTTP/1.1": 400,
    b"POST /\x01 HTTP/1.1": 400,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
}


@pytest.mark.parametrize("first", REQUEST_LINES, ids=repr)
def test_what_is_no_request_line_is_400(first: bytes) -> None:
    """Garbage, other protocols and control characters are refused in a sentence, and no log is filled."""
    wire = wired()
    line = wire.connect()
    with capturedLogs() as logs:
        line.send(first + b"\r\nHost: x\r\n\r\n")
    assert [answer.status for answer in line.answers] == [400]
    assert b"<" not in line.answers[0].body
    assert not [event for event in logs if event["log_level"] > LogLevel.debug]
    assert wire.post("/scan", REQUEST).status == 200


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "FTP/1.1", "http/1.1"])
def test_other_versions_of_http_are_refused(version: str) -> None:
    """A version that is not spoken here is told so, with whatever status the parser at hand has for it."""
    line = wired().connect()
    line.send(request_bytes("POST", "/scan", REQUEST, headers=SOAP_HEADERS, version=version))
    assert [answer.status for answer in line.answers] in ([505], [400])
    assert line.half_closed


BAD_CHUNKS = [b"x\r\n", b"-1\r\n", b"0x5\r\nhello\r\n", b"5\r\nhelloXX", b"5\nhello\n", b";\r\n", b"5 5\r\n", b"\r\n"]


@pytest.mark.parametrize("chunk", BAD_CHUNKS)
def test_malformed_chunks_are_refused(chunk: bytes) -> None:
    """A chunk that does not follow the grammar is 400, and what follows it is not read."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    line = wired(endpoint).connect()
    line.send(with_head(b"Transfer-Encoding: chunked", body=chunk + b"\r\n" * 600 + GOOD))
    assert [answer.status for answer in line.answers] == [400]
    assert endpoint.asked == []


@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n", GOOD, GOOD[:80], b"HTTP/1.1\r\n"]), max_size=8))
def test_no_bytes_hurt_the_service(pieces: list[bytes]) -> None:
    """Whatever a client sends, nothing is logged as a defect, and the next client is served."""
    wire = wired()
    line = wire.connect()
    with capturedLogs() as logs:
        for piece in pieces:
            line.send(piece)
        wire.advance(31)
        line.disconnect()
    assert not [event for event in logs if event["log_level"] >= LogLevel.warn]
    assert wire.post("/scan", REQUEST).status == 200
    assert wire.site.connections == 1


def test_a_form_upload_is_not_parsed() -> None:
    """A multipart form, whose parsing in the standard library is full of surprises, is a body like any other."""
    wire = wired()
    with capturedLogs() as logs:
        for parameters in ("", "; boundary=\xff", "; boundary=b"):
            headers = {"Content-Type": f"multipart/form-data{parameters}"}
            answer = wire.post("/scan", b"--b\r\n\r\n", headers=headers)
            assert answer.status == 415
    assert not [event for event in logs if event["log_level"] >= LogLevel.warn]


def test_a_client_may_leave_at_any_moment() -> None:
    """A connection that ends in the middle of anything is not worth a word in the log."""
    wire = wired()
    with capturedLogs() as logs:
        for length in (0, 1, 10, 100, len(GOOD) - 1):
            line = wire.connect()
            line.send(GOOD[:length])
            line.disconnect()
    assert wire.site.connections == 0
    assert not [event for event in logs if event["log_level"] > LogLevel.debug]
    assert wire.clock.getDelayedCalls() == []


def test_a_client_that_sends_on_while_it_waits_is_held_up() -> None:
    """What arrives during an answer is held within bounds: more is not read before the answer is out."""
    waiting: list[Deferred[Reply]] = []

    def wait() -> Any:
        waiting.append(Deferred())
        return waiting[-1]

    wire = wired(FakeEndpoint(GetActiveJobs=wait))
    line = wire.connect()
    line.send(GOOD)
    line.send(b"\r\n" * 100_000)
    assert len(line._sending) > 0
    waiting[0].callback(no_jobs())
    wire.pump()
    assert line.answers[0].status == 200
