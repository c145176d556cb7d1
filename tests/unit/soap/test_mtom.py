"""Answers with an image behind them: the framing, and the order of things while it streams."""

from __future__ import annotations

import re

import pytest
from twisted.internet.interfaces import IConsumer
from twisted.internet.testing import StringTransport
from twisted.logger import LogLevel, capturedLogs
from zope.interface.verify import verifyObject

from bridge.errors import ScannerError
from bridge.soap.envelope import write_envelope
from bridge.soap.mtom import SOAP_CONTENT_ID, StreamedAnswer, frame, new_boundary
from bridge.soap.namespaces import WSCN
from tests.clients import MESSAGE_ID
from tests.fakes.endpoint import CONTENT_ID, FakeImageStream, retrieve_image_body
from tests.schema_check import check_multipart

ENVELOPE = write_envelope(f"{WSCN}/RetrieveImageResponse", retrieve_image_body(), relates_to=MESSAGE_ID)


class FakeOutlet(StringTransport):
    """A transport that can be finished, and aborted, and says which of these came when."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    def finish(self) -> None:
        """Outlet."""
        self.ends.append("finish")

    def abort(self) -> None:
        """Outlet."""
        self.ends.append("abort")


def started(stream: FakeImageStream) -> tuple[StreamedAnswer, FakeOutlet]:
    """An answer with `stream`, begun, and where it goes."""
    outlet = FakeOutlet()
    answer = StreamedAnswer(stream, frame(ENVELOPE, "image/jpeg", CONTENT_ID, "b1"), outlet)
    answer.start()
    return answer, outlet


@pytest.mark.conformance(190, 191, 192, 193)
def test_the_framing_makes_a_valid_package() -> None:
    """Head, image and tail together are multipart/related as MTOM has it, the envelope first."""
    framing = frame(ENVELOPE, "image/jpeg", CONTENT_ID, new_boundary())
    check_multipart(framing.content_type, framing.head + b"\xff\xd8image\r\n--b\xff\xd9" + framing.tail)


@pytest.mark.conformance(190)
def test_the_content_type_quotes_what_needs_quotes() -> None:
    """The Content-Type has the parameters type, boundary, start and start-info, each quoted."""
    framing = frame(ENVELOPE, "image/jpeg", CONTENT_ID, "b1")
    parameters = dict(re.findall(r'; ([a-z-]+)="([^"]*)"', framing.content_type))
    assert parameters == {
        "type": "application/xop+xml",
        "boundary": "b1",
        "start": f"<{SOAP_CONTENT_ID}>",
        "start-info": "application/soap+xml",
    }


def test_boundaries_are_never_the_same() -> None:
    """Each answer has a random boundary that no image can be made to contain."""
    assert len({new_boundary() for _ in range(100)}) == 100
    assert re.fullmatch(r"boundary-[0-9a-f]{32}", new_boundary())


@pytest.mark.parametrize("content_id", ["", "<a@b>", "a b@c", "a/b@c", 'a"@c', "a\r\n@b", SOAP_CONTENT_ID, "x" * 201])
def test_a_part_name_that_needs_an_escape_is_refused(content_id: str) -> None:
    """A Content-ID goes into a header and a URL as it is, or not at all."""
    with pytest.raises(ValueError, match="name"):
        frame(ENVELOPE, "image/jpeg", content_id, "b1")


@pytest.mark.parametrize("media_type", ["", "image", "image/jpeg; x=y", "image/jpeg\r\nX: y", "Image/jpeg"])
def test_a_media_type_with_anything_else_is_refused(media_type: str) -> None:
    """A media type cannot bring a header of its own."""
    with pytest.raises(ValueError, match="media type"):
        frame(ENVELOPE, media_type, CONTENT_ID, "b1")


@pytest.mark.conformance(191)
def test_the_envelope_goes_out_before_the_first_byte_of_the_image() -> None:
    """Head and envelope are sent while the scanner still warms up."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    assert stream.heard == ["deliver"]
    assert ENVELOPE in outlet.value()
    assert outlet.value().endswith(b"\r\n\r\n")
    stream.write(b"first")
    assert outlet.value().endswith(b"\r\n\r\nfirst")


def test_the_image_is_told_when_all_was_handed_over() -> None:
    """The closing boundary is written, then the stream hears of it, then the answer ends."""
    stream = FakeImageStream()
    order: list[str] = []
    _, outlet = started(stream)
    stream.delivered = lambda: order.append("delivered")  # type: ignore[method-assign]
    outlet.finish = lambda: order.append("finish")  # type: ignore[method-assign]
    stream.write(b"image")
    assert not outlet.value().endswith(b"--b1--\r\n")
    stream.done()
    assert outlet.value().endswith(b"image\r\n--b1--\r\n")
    assert order == ["delivered", "finish"]
    assert outlet.producer is None


def test_an_image_is_paused_by_the_client() -> None:
    """The stream's producer is registered with the transport, and let go at the end."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    assert outlet.producer is stream
    assert outlet.streaming is True
    stream.write(b"image")
    stream.done()
    assert outlet.producer is None


@pytest.mark.conformance(205)
@pytest.mark.parametrize(
    ("error", "level"), [(ScannerError("io", "lamp"), LogLevel.info), (ValueError("defect"), LogLevel.critical)]
)
def test_a_failure_breaks_the_answer_off(error: Exception, level: LogLevel) -> None:
    """What fails after the head went out ends without closing boundary; only a defect is logged with its traceback."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    stream.write(b"half")
    with capturedLogs() as logs:
        stream.fail(error)
    assert outlet.value().endswith(b"half")
    assert outlet.ends == ["abort"]
    assert outlet.producer is None
    assert stream.heard == ["deliver"]
    assert [event["log_level"] for event in logs] == [level]


def test_an_image_without_bytes_is_a_failure() -> None:
    """A stream that ends without having written anything breaks its answer off: an empty file is no image."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    stream.done()
    assert outlet.ends == ["abort"]
    assert stream.heard == ["deliver"]


def test_a_stream_that_raises_breaks_the_answer_off() -> None:
    """`deliver` may fail at once."""
    stream = FakeImageStream()
    stream.deliver = lambda consumer: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with capturedLogs():
        _, outlet = started(stream)
    assert outlet.ends == ["abort"]


def test_a_client_that_goes_away_is_told_to_the_image_once() -> None:
    """`abandon` comes once, and whatever the stream does afterwards reaches nobody."""
    stream = FakeImageStream()
    answer, outlet = started(stream)
    stream.write(b"half")
    answer.abandon()
    answer.abandon()
    stream.write(b"more")
    stream.done()
    assert stream.heard == ["deliver", "abandon"]
    assert outlet.value().endswith(b"half")
    assert outlet.ends == []
    assert outlet.producer is None


def test_an_answer_that_has_ended_cannot_be_abandoned() -> None:
    """After the end there is nothing to abandon, whether it went well or not."""
    stream = FakeImageStream()
    answer, _ = started(stream)
    stream.write(b"image")
    stream.done()
    answer.abandon()
    assert stream.heard == ["deliver", "delivered"]
    broken = FakeImageStream()
    answer, _ = started(broken)
    broken.fail(ScannerError("io", "lamp"))
    answer.abandon()
    assert broken.heard == ["deliver"]


def test_a_producer_that_comes_too_late_is_stopped() -> None:
    """A stream that begins to produce after the client has gone is told to stop."""
    stream = FakeImageStream(produce=False)
    answer, outlet = started(stream)
    answer.abandon()
    stream._consumer.registerProducer(stream, True)
    assert stream.heard == ["deliver", "abandon", "stopped"]
    assert outlet.producer is None


def test_a_producer_that_is_forgotten_is_let_go() -> None:
    """A stream that never unregisters does not keep the connection's next answer from its own producer."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    stream._produce = False
    stream.write(b"image")
    stream.done()
    assert outlet.producer is None
    assert outlet.ends == ["finish"]


def test_a_job_that_fails_to_note_its_delivery_does_not_spoil_the_answer() -> None:
    """The client has its image; what goes wrong afterwards is logged, and the answer ends."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    stream.delivered = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    stream.write(b"image")
    with capturedLogs() as logs:
        stream.done()
    assert outlet.ends == ["finish"]
    assert [event["log_level"] for event in logs] == [LogLevel.critical]


def test_empty_pieces_are_not_written() -> None:
    """An empty piece would be the last chunk of a chunked answer."""
    stream = FakeImageStream()
    _, outlet = started(stream)
    written: list[bytes] = []
    outlet.write = written.append  # type: ignore[assignment,method-assign]
    stream.write(b"")
    assert written == []


def test_the_consumer_is_a_consumer() -> None:
    """What streams get is what Twisted promises them."""
    stream = FakeImageStream()
    started(stream)
    assert verifyObject(IConsumer, stream._consumer)
