"""Images over HTTP: order, back-pressure, and every way in which it can end."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.web.static import Data

from bridge.errors import NoImagesAvailable, ScannerError
from bridge.http import limits
from bridge.http.resources import SoapResource, Tree
from bridge.soap.exchange import Reply, StreamedReply
from bridge.soap.mtom_reader import ImageData, MultipartReader, SoapPart
from tests.clients import scan_action, windows
from tests.fakes.endpoint import CONTENT_ID, FakeEndpoint, FakeImageStream, image_reply, no_jobs
from tests.harness import SOAP_HEADERS, Connection, Wire, request_bytes
from tests.http_answers import Answer

RETRIEVE = windows(
    scan_action("RetrieveImage"),
    "<{scan}:RetrieveImageRequest><{scan}:DocumentDescription><{scan}:DocumentName>a</{scan}:DocumentName>"
    "</{scan}:DocumentDescription><{scan}:JobId>1</{scan}:JobId><{scan}:JobToken>t</{scan}:JobToken>"
    "</{scan}:RetrieveImageRequest>",
)
GET_JOBS = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")
PIECE = bytes(range(256)) * 256
"""64 KiB, as an image comes through a pipe."""


def wired(*answers: Any) -> Wire:
    """A wire to /scan, where RetrieveImage answers with one of `answers` after the other."""
    remaining = iter(answers)
    endpoint = FakeEndpoint(RetrieveImage=lambda: next(remaining), GetActiveJobs=no_jobs)
    tree = Tree()
    tree.putChild(b"scan", SoapResource(endpoint))
    return Wire(tree)


def parts(answer: Answer) -> tuple[bytes, bytes]:
    """Envelope and image in an answer, whole or not."""
    events = MultipartReader(answer.headers["content-type"]).feed(answer.body)
    soap = b"".join(event.data for event in events if isinstance(event, SoapPart))
    return soap, b"".join(event.data for event in events if isinstance(event, ImageData))


def begun(stream: FakeImageStream, **options: Any) -> tuple[Wire, Connection, Answer]:
    """A RetrieveImage that has begun to answer with `stream`."""
    wire = wired(image_reply(stream))
    line = wire.connect()
    return wire, line, line.post("/scan", RETRIEVE, **options)


@pytest.mark.conformance(190, 191, 192, 193, 194)
def test_an_image_arrives_as_the_scanner_brings_it() -> None:
    """Head and envelope come first, then each piece at once, unchanged, then the end; the connection goes on."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream)
    assert (answer.status, answer.complete) == (200, False)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["content-type"].startswith('multipart/related; type="application/xop+xml"; boundary="')
    assert b"RetrieveImageResponse" in answer.body
    assert f"cid:{CONTENT_ID}".encode() in answer.body
    for number in range(3):
        stream.write(b"piece %d\r\n" % number)
        wire.pump()
        assert answer.body.endswith(b"piece %d\r\n" % number)
    stream.done()
    wire.pump()
    assert answer.complete
    assert parts(answer)[1] == b"piece 0\r\npiece 1\r\npiece 2\r\n"
    assert stream.heard == ["deliver", "delivered"]
    assert line.post("/scan", GET_JOBS).status == 200


def test_an_image_with_http_1_0_ends_with_its_connection() -> None:
    """Without chunks the end of the connection is the end of the image."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream, version="HTTP/1.0")
    assert "transfer-encoding" not in answer.headers
    stream.write(b"image")
    stream.done()
    wire.pump()
    assert line.closed
    assert not line.aborted
    assert answer.complete
    assert parts(answer)[1] == b"image"


def test_a_client_that_asked_for_it_is_closed_behind_an_image() -> None:
    """Connection: close holds for images too."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream, headers={"Connection": "close"})
    stream.write(b"image")
    stream.done()
    wire.pump()
    assert answer.complete
    assert answer.headers["connection"] == "close"
    assert line.closed


@pytest.mark.conformance(41)
def test_other_requests_are_answered_while_an_image_is_sent() -> None:
    """A transfer under way, even one that the client does not take, holds up nobody else."""
    stream = FakeImageStream()
    wire, line, _ = begun(stream)
    line.window = 0
    stream.write(PIECE * 2)
    assert wire.post("/scan", GET_JOBS).status == 200
    assert wire.post("/scan", GET_JOBS, peer="192.0.2.99").status == 200


def test_a_slow_reader_holds_little_memory() -> None:
    """A scanner that honours the pause has at most its last piece beyond the transport's buffer waiting."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream)
    line.window = 0
    written = most = 0
    while written < 100 * len(PIECE):
        if stream.paused:
            line.read(10_000)
        else:
            stream.write(PIECE)
            written += len(PIECE)
            wire.pump()
        most = max(most, line.transport.buffered)
    assert most < line.transport.bufferSize + 2 * len(PIECE)
    line.read_on()
    assert not stream.paused
    stream.done()
    wire.pump()
    assert answer.complete
    assert parts(answer)[1] == PIECE * 100


def test_a_stream_that_begins_while_the_client_is_behind_is_paused_at_once() -> None:
    """What an earlier answer has left in the buffer counts for the next one."""
    stream = FakeImageStream()
    tree = Tree()
    tree.putChild(b"page", Data(PIECE * 2, "application/octet-stream"))
    tree.putChild(b"scan", SoapResource(FakeEndpoint(RetrieveImage=lambda: image_reply(stream))))
    line = Wire(tree).connect()
    line.window = 0
    line.send(request_bytes("GET", "/page") + request_bytes("POST", "/scan", RETRIEVE, headers=SOAP_HEADERS))
    assert stream.heard == ["deliver"]
    assert stream.paused
    line.read_on()
    assert not stream.paused


@pytest.mark.conformance(206)
def test_a_client_that_goes_away_is_noticed_at_once() -> None:
    """The stream is stopped and abandoned, once, also while its producer is paused."""
    for window in (None, 0):
        stream = FakeImageStream()
        wire, line, answer = begun(stream)
        line.window = window
        stream.write(PIECE * 2)
        wire.pump()
        with capturedLogs() as logs:
            line.disconnect()
            stream.write(PIECE)
            wire.advance(1000)
        assert stream.heard == ["deliver", "stopped", "abandon"]
        assert not answer.complete
        assert {event["log_level"] for event in logs} <= {LogLevel.debug}
        assert wire.site.connections == 0


def test_what_a_stream_does_after_its_client_has_gone_harms_nobody() -> None:
    """A stream may still write, end or fail when nobody listens any more."""
    for end in ("done", "fail"):
        stream = FakeImageStream()
        _, line, _ = begun(stream)
        line.disconnect()
        stream.write(PIECE)
        with capturedLogs() as logs:
            if end == "done":
                stream.done()
            else:
                stream.fail(ScannerError("io", "too late"))
        assert stream.heard == ["deliver", "stopped", "abandon"]
        assert [event for event in logs if event["log_level"] > LogLevel.debug] == []


@pytest.mark.conformance(205)
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_an_image_that_fails_is_cut_off(version: str) -> None:
    """The client sees a connection that was aborted: no closing boundary, no last chunk, and no fault in the middle."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream, version=version)
    stream.write(b"half")
    wire.pump()
    stream.fail(ScannerError("io", "lamp"))
    wire.pump()
    assert line.aborted
    assert line.closed
    assert not line.raw.endswith(b"0\r\n\r\n")
    assert b"--\r\n" not in line.raw
    assert b"Fault" not in line.raw
    assert stream.heard == ["deliver"]
    assert answer.cut


@pytest.mark.conformance(205)
def test_what_fails_before_the_image_is_a_plain_fault() -> None:
    """A RetrieveImage without an image is answered like any other refusal."""

    def refuse() -> Reply:
        raise NoImagesAvailable

    tree = Tree()
    tree.putChild(b"scan", SoapResource(FakeEndpoint(RetrieveImage=refuse)))
    answer = Wire(tree).post("/scan", RETRIEVE)
    assert (answer.status, answer.content_type) == (400, "application/soap+xml")
    assert b"ClientErrorNoImagesAvailable" in answer.body


def test_a_client_that_stops_reading_an_image_is_cut() -> None:
    """After STALL_S without a byte taken the connection is cut and the stream abandoned."""
    stream = FakeImageStream()
    wire, line, _ = begun(stream)
    line.window = 0
    stream.write(PIECE * 2)
    wire.advance(limits.STALL_S - 1)
    assert stream.heard == ["deliver"]
    wire.advance(1)
    assert line.aborted
    assert stream.heard == ["deliver", "stopped", "abandon"]


def test_a_client_that_reads_slowly_is_not_cut() -> None:
    """Each time that the buffer was taken, the client has STALL_S again."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream)
    line.window = 0
    for _ in range(5):
        stream.write(PIECE * 2)
        wire.advance(limits.STALL_S - 1)
        line.read_on()
        line.window = 0
    line.read_on()
    stream.done()
    wire.pump()
    assert answer.complete


def test_a_scanner_may_take_its_time() -> None:
    """No clock of the connection runs while the client waits for the scanner."""
    stream = FakeImageStream()
    wire, line, answer = begun(stream)
    wire.advance(3600)
    stream.write(b"image")
    stream.done()
    wire.pump()
    assert answer.complete
    assert not line.closed


def test_a_stream_that_comes_too_late_is_abandoned() -> None:
    """An operation that answers although its client has gone has its image abandoned, and never delivered."""
    stream = FakeImageStream()
    waiting: Deferred[StreamedReply] = Deferred(lambda waited: waited.callback(image_reply(stream)))
    wire = wired(waiting)
    line = wire.connect()
    line.post("/scan", RETRIEVE)
    line.disconnect()
    assert stream.heard == ["abandon"]


@pytest.mark.conformance(298)
def test_a_reply_that_cannot_be_framed_is_a_defect() -> None:
    """A name that MIME cannot hold is a 500, and the image is let go."""
    stream = FakeImageStream()
    wire = wired(image_reply(stream, media_type="image/jpeg; x"))
    with capturedLogs() as logs:
        answer = wire.post("/scan", RETRIEVE)
    assert answer.status == 500
    assert b"<html" not in answer.body
    assert stream.heard == ["abandon"]
    assert [event for event in logs if event["log_level"] is LogLevel.critical]


def test_the_next_image_follows_on_the_same_connection() -> None:
    """A job with several images is fetched over one connection; each is delivered before the next is asked for."""
    streams = [FakeImageStream(), FakeImageStream()]
    wire = wired(*map(image_reply, streams))
    line = wire.connect()
    for stream in streams:
        answer = line.post("/scan", RETRIEVE)
        stream.write(b"image")
        stream.done()
        wire.pump()
        assert answer.complete
        assert stream.heard == ["deliver", "delivered"]


def test_a_pipelined_request_finds_the_image_before_it_delivered() -> None:
    """The job hears that its image is out before the client's next request is read."""
    order: list[str] = []
    stream = FakeImageStream()
    stream.delivered = lambda: order.append("delivered")  # type: ignore[method-assign]

    def jobs() -> Reply:
        order.append("next request")
        return no_jobs()

    tree = Tree()
    tree.putChild(b"scan", SoapResource(FakeEndpoint(RetrieveImage=lambda: image_reply(stream), GetActiveJobs=jobs)))
    wire = Wire(tree)
    line = wire.connect()
    line.post("/scan", RETRIEVE)
    line.post("/scan", GET_JOBS)
    assert order == []
    stream.write(b"image")
    stream.done()
    wire.pump()
    assert order == ["delivered", "next request"]
