"""RetrieveImage: the request for a file, and the answer that carries it."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from bridge.jobs.states import JobState
from bridge.soap import namespaces as ns
from bridge.soap.exchange import AnyReply, StreamedReply
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.fakes.scan_service import CLIENT, ScanServiceBench, detail, request
from tests.fakes.tickets import MINIMAL, WINDOWS_10, sane_airscan, ticket_xml
from tests.unit.jobs.story import Consumer

OPERATION = "RetrieveImage"


def body(job_id: object, token: str, document: str | None = "page 1") -> str:
    """A request body."""
    description = (
        ""
        if document is None
        else f"<sca:DocumentDescription><sca:DocumentName>{document}</sca:DocumentName></sca:DocumentDescription>"
    )
    return (
        f"<sca:RetrieveImageRequest><sca:JobId>{job_id}</sca:JobId><sca:JobToken>{token}</sca:JobToken>"
        f"{description}</sca:RetrieveImageRequest>"
    )


def start(bench: ScanServiceBench, content: str) -> Deferred[AnyReply]:
    """Start the operation."""
    return bench.begin(request(OPERATION, content), CLIENT)


def fetch(bench: ScanServiceBench, content: str, data: bytes = b"page") -> StreamedReply:
    """The answer after the scanner has delivered `data`, which the client has taken."""
    asked = start(bench, content)
    bench.scanner.session.page(data)
    reply = success_result_of(asked)
    assert isinstance(reply, StreamedReply)
    consumer = Consumer()
    success_result_of(reply.image.deliver(consumer))
    assert consumer.data == data
    reply.image.delivered()
    return reply


@pytest.mark.conformance(193, 194)
@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("exif", "image/jpeg"), ("png", "image/png"), ("tiff-single-g4", "image/tiff"), ("pdf-a", "application/pdf")],
)
def test_the_answer(kind: str, media_type: str) -> None:
    """The body holds one xop:Include that names the image part, whose type is the format's, byte for byte."""
    bench = ScanServiceBench()
    job_id, token = bench.create(ticket_xml(f"<sca:Format>{kind}</sca:Format>"))
    reply = fetch(bench, body(job_id, token))
    assert reply.action == f"{ns.WSCN}/RetrieveImageResponse"
    assert reply.media_type == media_type
    (include,) = reply.body[0]
    assert include.tag == f"{{{ns.XOP}}}Include"
    assert include.get("href") == f"cid:{reply.content_id}"
    assert set(reply.content_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789.@-")


def test_every_image_has_its_own_content_id() -> None:
    """The images of a job are told apart by their content ids."""
    bench = ScanServiceBench()
    job_id, token = bench.create(sane_airscan("ADF"))
    assert len({fetch(bench, body(job_id, token)).content_id for _ in range(3)}) == 3


@pytest.mark.conformance(207)
def test_the_order_of_arguments_does_not_matter() -> None:
    """sane-airscan sends DocumentDescription first; another client pads its values with newlines."""
    bench = ScanServiceBench()
    job_id, token = bench.create(MINIMAL)
    content = (
        "<sca:RetrieveImageRequest><sca:DocumentDescription><sca:DocumentName>IMAGE000.JPG</sca:DocumentName>"
        f"</sca:DocumentDescription><sca:JobId>\n{job_id}\n</sca:JobId><sca:JobToken>\n{token}\n</sca:JobToken>"
        "</sca:RetrieveImageRequest>"
    )
    fetch(bench, content)
    assert bench.queue.job(job_id).documents == ("IMAGE000.JPG",)


@pytest.mark.parametrize("without", [None, "<sca:DocumentDescription/>"])
def test_a_document_without_name_is_named_like_the_job(without: str | None) -> None:
    """A request without DocumentName is taken; the image gets the job's name."""
    bench = ScanServiceBench()
    job_id, token = bench.create(MINIMAL)
    content = body(job_id, token, None)
    if without is not None:
        content = content.replace("</sca:RetrieveImageRequest>", f"{without}</sca:RetrieveImageRequest>")
    fetch(bench, content)
    assert bench.queue.job(job_id).documents == ("letters",)


@pytest.mark.conformance(196, 294, 295, 296, 297)
@pytest.mark.parametrize(
    ("content", "subcode", "argument"),
    [
        (body("x", "t"), "InvalidArgs", "JobId"),
        (body("", "t"), "InvalidArgs", "JobId"),
        (body(99, "t"), "ClientErrorJobIdNotFound", "JobId"),
        (body(0, "t"), "ClientErrorJobIdNotFound", "JobId"),
        (body(-1, "t"), "ClientErrorJobIdNotFound", "JobId"),
        (body(2**31, "t"), "ClientErrorJobIdNotFound", "JobId"),
        (body(1, "t" * 256), "InvalidArgs", "JobToken"),
        (body(1, "t", "n" * 256), "InvalidArgs", "DocumentName"),
        ("<sca:RetrieveImageRequest/>", "InvalidArgs", "JobId"),
        ("<sca:RetrieveImageRequest><sca:JobId>1</sca:JobId></sca:RetrieveImageRequest>", "InvalidArgs", "JobToken"),
        ("", "InvalidArgs", "RetrieveImageRequest"),
    ],
)
def test_what_is_no_request(content: str, subcode: str, argument: str) -> None:
    """A malformed request and an unknown job are Sender faults; the detail names what is wrong."""
    bench = ScanServiceBench()
    bench.create(MINIMAL)
    fault = bench.fault(OPERATION, content)
    assert fault.subcode == f"{{{ns.WSCN}}}{subcode}"
    assert fault.http_status == 400
    assert detail(fault) == argument
    assert bench.scanner.openings == []


@pytest.mark.conformance(196)
def test_an_unknown_job_is_told_back() -> None:
    """The fault for an unknown job repeats its number."""
    fault = ScanServiceBench().fault(OPERATION, body(4711, "t"))
    assert fault.detail is not None
    assert fault.detail.text == "4711"


@pytest.mark.conformance(197)
@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_a_wrong_token(token: str) -> None:
    """A token of another job, or none, is refused."""
    bench = ScanServiceBench()
    job_id, _token = bench.create(MINIMAL)
    assert bench.subcode(OPERATION, body(job_id, token)) == "ClientErrorInvalidJobToken"


@pytest.mark.conformance(198)
def test_a_cancelled_job() -> None:
    """The job's own client learns that it was cancelled."""
    bench = ScanServiceBench()
    job_id, token = bench.create(MINIMAL)
    bench.ask("CancelJob", f"<sca:CancelJobRequest><sca:JobId>{job_id}</sca:JobId></sca:CancelJobRequest>")
    assert bench.subcode(OPERATION, body(job_id, token)) == "ClientErrorJobCancelled"


@pytest.mark.conformance(199)
def test_an_exhausted_job() -> None:
    """A job that has delivered everything has no more images."""
    bench = ScanServiceBench()
    job_id, token = bench.create(WINDOWS_10)
    fetch(bench, body(job_id, token))
    assert bench.subcode(OPERATION, body(job_id, token)) == "ClientErrorNoImagesAvailable"


@pytest.mark.conformance(205)
def test_the_scanner_may_fail_before_the_answer_begins() -> None:
    """A scanner that fails before its first line makes a fault of the request."""
    bench = ScanServiceBench()
    job_id, token = bench.create(sane_airscan("ADF"))
    asked = start(bench, body(job_id, token))
    no_result(asked)
    bench.scanner.session.fail("no-documents")
    fault = bench.service.fault(failure_result_of(asked))
    assert fault.subcode == f"{{{ns.WSCN}}}ClientErrorNoImagesAvailable"


def test_a_client_that_goes_away_lets_the_job_go() -> None:
    """When the client leaves while it waits for its turn, the job goes on waiting for it."""
    bench = ScanServiceBench()
    first, first_token = bench.create(MINIMAL)
    second, second_token = bench.create(MINIMAL)
    start(bench, body(first, first_token))
    waiting = start(bench, body(second, second_token))
    waiting.cancel()
    failure_result_of(waiting, CancelledError)
    assert bench.queue.job(second).state is JobState.PENDING
