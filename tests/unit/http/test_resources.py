"""The URL tree and what a SOAP address takes."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.web.resource import Resource

from bridge.errors import NotAcceptingJobs
from bridge.http.resources import SoapResource, Tree
from bridge.soap import namespaces as ns
from bridge.soap.dispatch import FaultStatus
from bridge.soap.envelope import read_envelope
from bridge.soap.exchange import Exchange, Reply
from bridge.soap.namespaces import tag
from tests.clients import CLIENTS, Client, scan_action, windows
from tests.fakes.endpoint import FakeEndpoint, no_jobs
from tests.harness import Wire

UUID = "4c5a0f2e-9d61-5b7a-8f43-2b6d1c0e7a95"
SCAN = f"/{UUID}/scan"
ACTION = scan_action("GetActiveJobs")
REQUEST = windows(ACTION, "<{scan}:GetActiveJobsRequest/>")


class Page(Resource):
    """A page for people."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        """Answer GET."""
        return b"for people " + b",".join(request.args.get(b"q", []))

    def render_POST(self, request: Any) -> bytes:
        """Answer the page's form."""
        return b"button " + b",".join(request.args.get(b"name", []))


def wired(endpoint: FakeEndpoint | None = None, **options: Any) -> Wire:
    """A wire to a tree with one device, whose scan service is `endpoint`."""
    tree = Tree()
    service = SoapResource(endpoint or FakeEndpoint(GetActiveJobs=no_jobs), **options)
    tree.add_device(UUID, SoapResource(FakeEndpoint()), service)
    tree.set_directed_discovery(SoapResource(FakeEndpoint()))
    tree.putChild(b"", Page())
    tree.putChild(b"page", Page())
    return Wire(tree)


@pytest.mark.conformance(29, 31)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
def test_an_envelope_posted_gets_an_envelope(client: Client) -> None:
    """POST is answered with 200, application/soap+xml in UTF-8 and a length."""
    answer = wired().post(SCAN, client(ACTION, "<{scan}:GetActiveJobsRequest/>"))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/soap+xml; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(answer.body) > 0
    assert read_envelope(answer.body).action == f"{ACTION}Response"


def test_the_endpoint_hears_where_the_request_came_from_and_in() -> None:
    """The exchange has the peer, our own address as the client knows it, and the path."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    wire = wired(endpoint)
    wire.post(SCAN, REQUEST, peer="192.0.2.33", host="192.0.2.8")
    wire.post(SCAN + "?x=y", REQUEST, peer="fe80::1%eth0", host="fe80::2%eth0")
    wire.post(SCAN, REQUEST, peer="::ffff:192.0.2.33", host="::FFFF:192.0.2.8")
    expected = Exchange("192.0.2.8", 8018, "192.0.2.33", SCAN)
    link_local = Exchange("fe80::2", 8018, "fe80::1", SCAN)
    assert [exchange for _, exchange in endpoint.asked] == [expected, link_local, expected]
    assert endpoint.asked[1][1].url(SCAN) == f"http://[fe80::2]:8018{SCAN}"


@pytest.mark.conformance(30)
@pytest.mark.parametrize("path", [f"/{UUID}", SCAN, f"/{ns.STABLE_DISCOVERY_PATH}/{ns.STABLE_DISCOVERY_LEAF}"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "SUBSCRIBE"])
def test_other_methods_are_told_what_is_taken(path: str, method: str) -> None:
    """Everything but POST gets 405 with Allow, in plain text, and the connection stays."""
    line = wired().connect()
    answer = line.request(method, path)
    assert (answer.status, answer.headers["allow"], answer.content_type) == (405, "POST", "text/plain")
    assert line.post(SCAN, REQUEST).status == 200


@pytest.mark.conformance(30)
@pytest.mark.parametrize(
    "path", ["/x", "/%ff%00", f"/{UUID}/", f"/{UUID}/x", f"{SCAN}/x", f"/{ns.STABLE_DISCOVERY_PATH}", "/.."]
)
def test_unknown_paths_are_404_in_plain_text(path: str) -> None:
    """Nothing of Twisted's pages, and nothing that a client sent, is in the answer to an unknown path."""
    for method in ("GET", "POST"):
        answer = wired().connect().request(method, path, REQUEST if method == "POST" else b"")
        assert (answer.status, answer.content_type) == (404, "text/plain")
        assert b"<" not in answer.body


def test_devices_come_and_go() -> None:
    """A device that is taken away is 404; taking away what is not there does nothing."""
    tree = Tree()
    wire = Wire(tree)
    assert wire.post(SCAN, REQUEST).status == 404
    tree.add_device(UUID, SoapResource(FakeEndpoint()), SoapResource(FakeEndpoint(GetActiveJobs=no_jobs)))
    assert wire.post(SCAN, REQUEST).status == 200
    assert wire.post(f"/{UUID}", REQUEST).status == 400
    tree.remove_device(UUID)
    tree.remove_device(UUID)
    assert wire.post(SCAN, REQUEST).status == 404


def test_pages_for_people_stand_beside_the_services() -> None:
    """Any resource can be registered, hears query and form, and is never asked for another method."""
    wire = wired()
    assert wire.get("/?q=1").body == b"for people 1"
    assert wire.get("/page?q=2").body == b"for people 2"
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    assert wire.post("/page", b"name=a%20b", headers=form).body == b"button a b"
    head = wire.connect().request("HEAD", "/page?q=2")
    assert (head.status, head.headers["content-length"], head.body) == (200, "12", b"")
    refused = wire.connect().request("DELETE", "/page")
    assert refused.status == 405
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.conformance(34)
@pytest.mark.parametrize(
    "content_type",
    [
        "application/soap+xml",
        "application/soap+xml; charset=utf-8",
        'APPLICATION/SOAP+XML;charset="UTF-8"; action="urn:x"',
    ],
)
def test_parameters_of_the_content_type_are_optional(content_type: str) -> None:
    """application/soap+xml is taken with any parameters, and without."""
    assert wired().post(SCAN, REQUEST, headers={"Content-Type": content_type}).status == 200


@pytest.mark.parametrize(
    "content_type", ["", "text/xml", "application/xml", "soap", "application/soap+xml2", "multipart/mixed", "a" * 2000]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    """A request without application/soap+xml gets 415 and never reaches the endpoint."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    answer = wired(endpoint).post(SCAN, REQUEST, headers={"Content-Type": content_type})
    assert (answer.status, answer.content_type) == (415, "text/plain")
    assert endpoint.asked == []


def test_a_multipart_request_is_taken() -> None:
    """A request whose envelope is the first part of a multipart message is answered like a plain one."""
    head = b'--b\r\nContent-Type: application/xop+xml; type="application/soap+xml"\r\n\r\n'
    body = head + REQUEST + b"\r\n--b--\r\n"
    headers = {"Content-Type": 'multipart/related; type="application/xop+xml"; boundary="b"'}
    assert wired().post(SCAN, body, headers=headers).status == 200
    cut = wired().post(SCAN, head + REQUEST, headers=headers)
    assert cut.status == 400
    assert read_envelope(cut.body).body is not None


@pytest.mark.conformance(22, 23)
@pytest.mark.parametrize("body", [b"", b"<x", b"\x00", b"<!DOCTYPE x><x/>", b"\xff\xfe<", REQUEST + b"x"])
def test_malformed_xml_gets_400_and_the_service_goes_on(body: bytes) -> None:
    """What is no XML is answered with a fault, and the same connection goes on."""
    line = wired().connect()
    answer = line.post(SCAN, body)
    assert (answer.status, answer.content_type) == (400, "application/soap+xml")
    fault = read_envelope(answer.body).body
    assert fault is not None
    assert fault.tag == tag(ns.SOAP, "Fault")
    assert line.post(SCAN, REQUEST).status == 200


@pytest.mark.conformance(16, 35)
@pytest.mark.parametrize(("fault_status", "status"), [("soap12", 500), ("500", 500), ("200", 200)])
def test_faults_come_on_the_http_response(fault_status: FaultStatus, status: int) -> None:
    """A fault is an ordinary answer with the status that the settings ask for."""

    def fail() -> Reply:
        raise NotAcceptingJobs

    answer = wired(FakeEndpoint(GetActiveJobs=fail), fault_status=fault_status).post(SCAN, REQUEST)
    assert (answer.status, answer.content_type) == (status, "application/soap+xml")
    assert b"ServerErrorNotAcceptingJobs" in answer.body


@pytest.mark.conformance(298)
def test_a_defect_is_a_fault_and_no_page() -> None:
    """An exception in an operation is a SOAP fault without a word of the exception."""
    with capturedLogs() as logs:
        answer = wired(FakeEndpoint(GetActiveJobs=lambda: 1 / 0)).post(SCAN, REQUEST)  # type: ignore[arg-type,return-value]
    assert (answer.status, answer.content_type) == (500, "application/soap+xml")
    assert b"ServerErrorInternalError" in answer.body
    assert b"ZeroDivision" not in answer.body
    assert [event for event in logs if event["log_level"] is LogLevel.critical]


def test_a_message_that_wants_no_answer_gets_202() -> None:
    """One-way messages are answered with 202 and an empty body."""
    answer = wired(FakeEndpoint(GetActiveJobs=lambda: None)).post(SCAN, REQUEST)
    assert (answer.status, answer.headers["content-length"], answer.body) == (202, "0", b"")
    assert "content-type" not in answer.headers


def test_no_answer_tells_a_version() -> None:
    """Server names the program and no version, in every kind of answer."""
    wire = wired()
    answers = [wire.get("/"), wire.get("/x"), wire.post(SCAN, REQUEST), wire.post(SCAN, b"x" * 32768), wire.get(SCAN)]
    assert {answer.headers["server"] for answer in answers} == {"Scanbridge"}


@pytest.mark.conformance(298)
def test_a_page_that_fails_is_a_plain_500() -> None:
    """A defect in a page for people is a sentence, and its traceback is in the log."""
    tree = Tree()
    page = Page()
    page.render_GET = lambda request: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    tree.putChild(b"page", page)
    with capturedLogs() as logs:
        answer = Wire(tree).get("/page")
    assert (answer.status, answer.content_type) == (500, "text/plain")
    assert b"Zero" not in answer.body
    assert len([event for event in logs if event["log_level"] is LogLevel.critical]) == 1


def test_a_page_that_fails_in_the_middle_is_cut_off() -> None:
    """Once an answer has begun, only the end of the connection can say that it is not whole."""
    tree = Tree()
    page = Page()

    def begin(request: Any) -> bytes:
        request.write(b"half")
        raise ValueError

    page.render_GET = begin  # type: ignore[method-assign]
    tree.putChild(b"page", page)
    wire = Wire(tree)
    with capturedLogs():
        answer = wire.get("/page")
    assert answer.cut
    assert wire.connections[0].aborted


@pytest.mark.conformance(41)
def test_other_requests_are_answered_while_one_waits() -> None:
    """An operation that takes its time holds up nobody but its own client."""
    waiting: Deferred[Reply] = Deferred()
    answers = iter([waiting, no_jobs()])
    wire = wired(FakeEndpoint(GetActiveJobs=lambda: next(answers)))
    first = wire.post(SCAN, REQUEST)
    assert wire.post(SCAN, REQUEST).status == 200
    assert first.status == 0
    waiting.callback(no_jobs())
    wire.pump()
    assert first.status == 200


def test_a_client_that_goes_away_cancels_its_operation_once() -> None:
    """The Deferred of a waiting operation is cancelled when the connection ends, and nothing is logged as a defect."""
    cancelled: list[Any] = []
    waiting: Deferred[Reply] = Deferred(cancelled.append)
    wire = wired(FakeEndpoint(GetActiveJobs=lambda: waiting))
    line = wire.connect()
    line.post(SCAN, REQUEST)
    assert cancelled == []
    with capturedLogs() as logs:
        line.disconnect()
        wire.advance(1000)
    assert cancelled == [waiting]
    assert {event["log_level"] for event in logs} == {LogLevel.debug}
    assert wire.site.connections == 0


def test_a_client_that_goes_away_after_its_answer_cancels_nothing() -> None:
    """An operation that has ended is left alone."""
    cancelled: list[Any] = []
    waiting: Deferred[Reply] = Deferred(cancelled.append)
    wire = wired(FakeEndpoint(GetActiveJobs=lambda: waiting))
    line = wire.connect()
    answer = line.post(SCAN, REQUEST)
    waiting.callback(no_jobs())
    wire.pump()
    line.disconnect()
    assert answer.status == 200
    assert cancelled == []


def test_each_answer_is_one_line_for_who_looks_closely() -> None:
    """At debug level an answer is one line with client, path, action, status and size."""
    with capturedLogs() as logs:
        wired().post(SCAN, REQUEST)
    lines = [event for event in logs if event.get("status") == 200]
    assert len(lines) == 1
    assert lines[0]["log_level"] is LogLevel.debug
    assert (lines[0]["peer"], lines[0]["path"], lines[0]["note"]) == ("192.0.2.20", SCAN, ACTION)
