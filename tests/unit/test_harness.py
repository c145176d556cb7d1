"""The wire for tests is as strict as a real client, and its transport behaves like Twisted's own."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.interfaces import ITCPTransport
from twisted.web.resource import Resource
from zope.interface.verify import verifyObject

from tests.envelope_watch import InvalidEnvelope, take_violations
from tests.harness import Wire, request_bytes
from tests.http_answers import Answer, AnswerReader


class Says(Resource):
    """Answers every request with what it was given."""

    isLeaf = True

    def __init__(self, body: bytes, content_type: str) -> None:
        super().__init__()
        self.body, self.content_type = body, content_type

    def render(self, request: Any) -> bytes:
        """Answer."""
        request.setHeader(b"content-type", self.content_type.encode())
        return self.body


@pytest.mark.parametrize("content_type", ["application/soap+xml", "Application/SOAP+xml; charset=utf-8"])
def test_invalid_soap_on_the_wire_fails(content_type: str) -> None:
    """An answer that says it is SOAP and is not what our schemas allow fails the test that asked for it."""
    with pytest.raises(InvalidEnvelope):
        Wire(Says(b"<x/>", content_type)).get("/")
    assert len(take_violations()) == 1


def test_an_invalid_package_on_the_wire_fails() -> None:
    """The same holds for multipart answers."""
    with pytest.raises(InvalidEnvelope):
        Wire(Says(b"--b\r\n\r\n\r\n--b--\r\n", "multipart/related; boundary=b")).get("/")
    assert len(take_violations()) == 1


def test_other_answers_are_not_looked_at() -> None:
    """Pages for people are no messages."""
    assert Wire(Says(b"<x/>", "text/html")).get("/").body == b"<x/>"


def read(data: bytes, *methods: str, size: int = 1) -> list[Answer]:
    """The answers in `data`, read in pieces."""
    reader = AnswerReader()
    for method in methods:
        reader.expect(method)
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
    reader.close(clean=True)
    return reader.answers


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_answers_are_read_in_all_forms(size: int) -> None:
    """With a length, in chunks, after an interim answer, without a body, and ended by the connection."""
    data = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\nA\r\n0123456789\r\n0\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nto the end"
    )
    answers = read(data, "POST", "POST", "HEAD", "POST", size=size)
    assert [answer.body for answer in answers] == [b"abc", b"de0123456789", b"", b"", b"to the end"]
    assert all(answer.complete and not answer.cut for answer in answers)
    assert answers[4].headers == {"x": "y"}


def test_cut_answers_are_not_complete() -> None:
    """An answer that the connection's end interrupts is cut, one that was not begun too."""
    (short,) = read(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")
    assert (short.body, short.complete, short.cut) == (b"ab", False, True)
    (chunked,) = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n")
    assert (chunked.complete, chunked.cut) == (False, True)
    (none,) = read(b"", "GET")
    assert (none.status, none.cut) == (0, True)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: 1\r\nx: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    ],
)
def test_malformed_answers_are_noticed(data: bytes) -> None:
    """An answer that contradicts itself fails the test."""
    with pytest.raises(AssertionError):
        read(data, size=1000)


def test_a_client_reads_as_much_as_its_test_wants() -> None:
    """With a window the answer grows by what was read, and the rest waits in the server's buffer."""
    wire = Wire(Says(b"x" * 1000, "text/plain"))
    line = wire.connect()
    line.window = 0
    answer = line.get("/")
    assert (answer.status, line.raw) == (0, b"")
    line.read(200)
    assert len(line.raw) == 200
    assert line.transport.buffered > 0
    assert not answer.complete
    line.read_on()
    assert answer.complete


def test_the_transport_is_a_tcp_transport() -> None:
    """The server sees what it would see of a socket."""
    assert verifyObject(ITCPTransport, Wire(Says(b"", "text/plain")).connect().transport)


def test_requests_stand_on_the_wire_as_asked() -> None:
    """Chunks, lengths and left-out headers are the test's choice."""
    assert request_bytes("POST", "/x", chunks=[b"ab", b"c"]).endswith(b"\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert b"Content-Length: 0\r\n" in request_bytes("POST", "/x")
    assert b"Content-Length" not in request_bytes("GET", "/x")
    assert b"Host" not in request_bytes("GET", "/x", headers={"Host": ""})
