"""SOAP over HTTP as the client speaks it."""

from __future__ import annotations

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import ConnectingCancelledError, ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import URI, ResponseFailed, ResponseNeverReceived
from twisted.web.http import PotentialDataLoss

from bridge.client.address import read_address
from bridge.client.errors import BadAnswer, NoAnswer, ServiceFault
from bridge.client.http import ANSWER_TIMEOUT_S, BodyCollector, Endpoints, SoapClient, is_multipart
from bridge.errors import TemporaryError
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, Envelope
from bridge.soap.parser import MAX_MESSAGE
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.fakes.soap_device import FakeDevice, FakeResponse, failing, raw, refusal, reply, silence

HERE = read_address("http://[fe80::1%25eth0]:8018/a")
ACTION = f"{ns.WSCN}/GetActiveJobs"
EMPTY = WSCN_E.GetActiveJobsResponse(WSCN_E.ActiveJobs())


class Bench:
    """A client, a device and a clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.device = FakeDevice()
        self.client = SoapClient(self.device, self.clock)

    def call(self) -> Deferred[Envelope]:
        """Ask for the active jobs."""
        return Deferred.fromCoroutine(self.client.call(HERE, ACTION, WSCN_E.GetActiveJobsRequest()))


def test_a_request_and_its_answer() -> None:
    """The request names action, address and a fresh MessageID; the answer is its envelope."""
    bench = Bench()
    bench.device.answers(ACTION, reply(EMPTY))

    answer = success_result_of(bench.call())
    success_result_of(bench.call())

    assert answer.action == f"{ACTION}Response"
    first, second = bench.device.asked
    assert first.url == "http://[fe80::1%25eth0]:8018/a"
    assert first.envelope.to == "http://[fe80::1]:8018/a"
    assert first.envelope.message_id != second.envelope.message_id
    assert first.headers.getRawHeaders("host") == ["[fe80::1]:8018"]
    assert first.headers.getRawHeaders("content-type") == ["application/soap+xml; charset=utf-8"]


def test_the_endpoint_as_addressee() -> None:
    """A request can be addressed to the device's urn, wherever it is sent."""
    bench = Bench()
    bench.device.answers(ACTION, reply(EMPTY))

    success_result_of(bench.client.call(HERE, ACTION, WSCN_E.GetActiveJobsRequest(), to="urn:uuid:1"))

    assert bench.device.asked[0].envelope.to == "urn:uuid:1"


def odd_fault(code: str) -> bytes:
    """A fault as no device of ours writes it; `code` is what stands in its Code."""
    return (
        f'<e:Envelope xmlns:e="{ns.SOAP}" xmlns:x="{ns.WSCN}"><e:Body><e:Fault><e:Code>{code}</e:Code>'
        "<e:Reason><e:Text>bad \x9b thing</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"
    ).encode()


SUBCODE = "<e:Value>e:Sender</e:Value><e:Subcode><e:Value> x:InvalidArgs </e:Value></e:Subcode>"


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("code", "subcode"),
    [
        (SUBCODE, "InvalidArgs"),
        (SUBCODE.replace("x:", "undeclared:"), "InvalidArgs"),
        ("<e:Value>e:Sender</e:Value>", "Sender"),
        ("", ""),
    ],
)
def test_faults(status: int, code: str, subcode: str) -> None:
    """A fault is told by its envelope, whatever the HTTP status; its words cannot reach the terminal's controls."""
    bench = Bench()
    bench.device.answers(ACTION, raw(odd_fault(code), status))

    caught = failure_result_of(bench.call(), ServiceFault)

    assert isinstance(caught, ServiceFault)
    assert caught.subcode == subcode
    assert caught.reason == r"bad \x9b thing"
    assert "bad" in str(caught)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (raw(b"<html>", 404, "text/html"), "HTTP status 404"),
        (raw(b"<html>"), "no SOAP message"),
        (raw(b""), "no SOAP message"),
        (raw(b"<a/>"), "no SOAP message"),
        (raw(b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>'), "is empty"),
        (raw(b"x" * (MAX_MESSAGE + 1)), "more than 32767 bytes"),
    ],
)
def test_what_is_no_answer(answer: object, words: str) -> None:
    """A web page, an empty or an endless body are refused with what they were."""
    bench = Bench()
    bench.device.answers(ACTION, answer)  # type: ignore[arg-type]

    assert words in str(failure_result_of(bench.call(), BadAnswer))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(), "no connection"),
        (DNSLookupError("pi"), "no connection"),
        (ConnectingCancelledError(None), "no connection within"),
        (ResponseNeverReceived([Failure(ValueError())]), "broke off before an answer"),
    ],
)
def test_nobody_there(error: Exception, words: str) -> None:
    """Whatever keeps a device from answering is one kind of error, which names the address."""
    bench = Bench()
    bench.device.answers(ACTION, failing(error))

    text = str(failure_result_of(bench.call(), NoAnswer))

    assert words in text
    assert text.startswith(str(HERE))


def test_a_device_that_hangs() -> None:
    """Without any answer a request ends in time."""
    bench = Bench()
    bench.device.answers(ACTION, silence)
    asked = bench.call()
    bench.clock.advance(ANSWER_TIMEOUT_S - 1)
    no_result(asked)

    bench.clock.advance(1)

    assert "no answer" in str(failure_result_of(asked, NoAnswer))


def test_a_device_that_hangs_in_its_answer() -> None:
    """A body that never ends ends in time, and its connection is closed."""
    bench = Bench()
    response = FakeResponse(200, "application/soap+xml", None)
    bench.device.answers(ACTION, lambda _asked: response)
    asked = bench.call()
    response.send(b"<x")

    bench.clock.advance(ANSWER_TIMEOUT_S)

    failure_result_of(asked, NoAnswer)
    assert response.dropped


def test_a_time_out_leaves_nothing() -> None:
    """After an answer no timer is left."""
    bench = Bench()
    bench.device.answers(ACTION, refusal(TemporaryError()))

    failure_result_of(bench.call(), ServiceFault)

    assert bench.clock.getDelayedCalls() == []


def test_a_body_without_length() -> None:
    """A body that ends with its connection may be whole, one that is broken off is not."""
    whole, broken = BodyCollector(10), BodyCollector(10)
    whole.dataReceived(b"abc")
    broken.dataReceived(b"abc")

    whole.connectionLost(Failure(PotentialDataLoss()))
    broken.connectionLost(Failure(ResponseFailed([Failure(ValueError())])))

    assert success_result_of(whole.done) == b"abc"
    failure_result_of(broken.done, NoAnswer)


def test_body_limit() -> None:
    """A body of the largest size is taken; one byte more closes the connection at once."""
    response = FakeResponse(200, "", None)
    collector = BodyCollector(3)
    response.deliverBody(collector)
    response.send(b"abc")
    no_result(collector.done)

    response.send(b"d")
    response.send(b"e")

    failure_result_of(collector.done, BadAnswer)
    assert response.dropped


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ('multipart/related; boundary="x"', True),
        ("Multipart/Related", True),
        ("application/soap+xml", False),
        ("", False),
        (";;;", False),
    ],
)
def test_which_answers_bring_an_image(content_type: str, expected: bool) -> None:
    """Only multipart/related does."""
    assert is_multipart(FakeResponse(200, content_type, b"")) is expected


def test_where_connections_go() -> None:
    """Literal addresses are connected to as they are, with their zone; names are looked up."""
    endpoints = Endpoints(reactor)

    link_local = endpoints.endpointForURI(URI.fromBytes(b"http://[fe80::1%25eth0]:8018/a"))
    ipv6 = endpoints.endpointForURI(URI.fromBytes(b"http://[fd00::1]:8018/a"))
    ipv4 = endpoints.endpointForURI(URI.fromBytes(b"http://192.0.2.7:8018/a"))
    name = endpoints.endpointForURI(URI.fromBytes(b"http://pi.local:8018/a"))

    assert isinstance(link_local, TCP6ClientEndpoint)
    assert link_local._host == "fe80::1%eth0"
    assert isinstance(ipv6, TCP6ClientEndpoint)
    assert isinstance(ipv4, TCP4ClientEndpoint)
    assert isinstance(name, HostnameEndpoint)
