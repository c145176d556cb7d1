"""From request bytes to answer bytes, without HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs

from bridge.errors import BridgeError, InvalidArgument, NotAcceptingJobs, ScannerError
from bridge.soap import dispatch
from bridge.soap import namespaces as ns
from bridge.soap.dispatch import Answer, Call, FaultStatus
from bridge.soap.envelope import Envelope, read_envelope
from bridge.soap.exchange import Exchange, Reply
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag
from tests.clients import CLIENTS, MESSAGE_ID, Client, scan_action, windows
from tests.deferreds import failure_result_of, no_result, success_result_of
from tests.envelope_watch import take_violations
from tests.fakes.endpoint import FakeEndpoint, FakeImageStream, image_reply, no_jobs

EXCHANGE = Exchange("192.0.2.7", 8018, "192.0.2.20", "/scan")
REQUEST = windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>")


def answered(endpoint: Any, data: bytes = REQUEST, fault_status: FaultStatus = "soap12") -> Answer:
    """What `endpoint` answers at once."""
    return success_result_of(Call(endpoint, data, EXCHANGE, fault_status).start())


def raising(error: BaseException) -> FakeEndpoint:
    """An endpoint whose operation raises `error`."""

    def fail() -> Reply:
        raise error

    return FakeEndpoint(GetActiveJobs=fail)


def fault_of(answer: Answer) -> tuple[str, str]:
    """Code and subcode in an answer, as they stand there."""
    body = read_envelope(answer.message).body
    assert body is not None
    assert body.tag == tag(ns.SOAP, "Fault")
    values = [element.text or "" for element in body.iter(tag(ns.SOAP, "Value"))]
    return values[0], values[1] if len(values) > 1 else ""


@pytest.mark.conformance(7)
@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
def test_a_request_gets_its_answer(client: Client) -> None:
    """The endpoint hears who asked what, and the answer relates to the request."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    answer = answered(endpoint, client(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>"))
    assert (answer.status, answer.streamed, answer.action) == (200, None, scan_action("GetActiveJobs"))
    message = read_envelope(answer.message)
    assert message.action == scan_action("GetActiveJobsResponse")
    assert message.relates_to == MESSAGE_ID
    ((envelope, exchange),) = endpoint.asked
    assert exchange is EXCHANGE
    assert isinstance(envelope, Envelope)


def test_a_message_without_an_answer_is_accepted() -> None:
    """An operation that returns None gives 202 and nothing else."""
    assert answered(FakeEndpoint(GetActiveJobs=lambda: None)) == Answer(202, b"", scan_action("GetActiveJobs"))


def test_an_image_follows_its_envelope() -> None:
    """A streamed reply gives the envelope of the first part, and the image with it."""
    reply = image_reply(FakeImageStream())
    answer = answered(FakeEndpoint(RetrieveImage=lambda: reply), windows(scan_action("RetrieveImage")))
    assert answer.streamed is reply
    assert read_envelope(answer.message).action == scan_action("RetrieveImageResponse")


def test_an_action_that_nobody_knows_is_refused() -> None:
    """An action without an operation is ActionNotSupported."""
    answer = answered(FakeEndpoint())
    assert answer.status == 400
    assert fault_of(answer) == ("soap:Sender", "wsa:ActionNotSupported")


@pytest.mark.conformance(8, 13)
def test_addressing_is_checked_before_anything_is_asked() -> None:
    """A request without MessageID never reaches the endpoint."""
    endpoint = FakeEndpoint(GetActiveJobs=no_jobs)
    answer = answered(endpoint, windows(scan_action("GetActiveJobs"), message_id=""))
    assert fault_of(answer) == ("soap:Sender", "wsa:MessageInformationHeaderRequired")
    assert endpoint.asked == []


@pytest.mark.conformance(22, 37)
@pytest.mark.parametrize(
    ("data", "status"), [(b"<x", 400), (b"", 400), (b"<!DOCTYPE x><x/>", 400), (b" " * 32768, 413)]
)
def test_what_is_no_xml_is_refused_with_a_fault(data: bytes, status: int) -> None:
    """Malformed XML is 400 and too much of it 413, each with a Sender fault, whatever faults are told as."""
    for fault_status in ("soap12", "500", "200"):
        answer = answered(FakeEndpoint(), data, fault_status)  # type: ignore[arg-type]
        assert answer.status == status
        assert fault_of(answer) == ("soap:Sender", "")


@pytest.mark.conformance(20, 36)
def test_another_soap_version_is_refused() -> None:
    """A SOAP 1.1 envelope gets VersionMismatch with 500."""
    answer = answered(FakeEndpoint(), REQUEST.replace(ns.SOAP.encode(), ns.SOAP_1_1.encode()))
    assert answer.status == 500
    assert fault_of(answer) == ("soap:VersionMismatch", "")


@pytest.mark.parametrize(
    ("fault_status", "sender", "receiver"), [("soap12", 400, 500), ("500", 500, 500), ("200", 200, 200)]
)
@pytest.mark.conformance(35)
def test_the_status_of_faults_is_a_setting(fault_status: FaultStatus, sender: int, receiver: int) -> None:
    """Faults come with the status of SOAP's HTTP binding, or always with the same."""
    assert answered(FakeEndpoint(), fault_status=fault_status).status == sender
    assert answered(raising(NotAcceptingJobs()), fault_status=fault_status).status == receiver


@pytest.mark.conformance(8)
def test_a_refusal_is_told_as_its_fault_and_not_as_a_defect() -> None:
    """An error of the table becomes its fault, relates to the request, and is one quiet line in the log."""
    with capturedLogs() as logs:
        answer = answered(raising(NotAcceptingJobs()))
    assert fault_of(answer) == ("soap:Receiver", "wscn:ServerErrorNotAcceptingJobs")
    assert read_envelope(answer.message).relates_to == MESSAGE_ID
    assert [event["log_level"] for event in logs] == [LogLevel.debug]


@pytest.mark.conformance(298)
@pytest.mark.parametrize("error", [ValueError("secret"), ScannerError("io", "secret"), BridgeError("secret")])
def test_a_defect_is_an_internal_error_to_clients_and_a_traceback_to_us(error: Exception) -> None:
    """Whatever is no refusal becomes ServerErrorInternalError, and the log has all of it."""
    with capturedLogs() as logs:
        answer = answered(raising(error))
    assert fault_of(answer) == ("soap:Receiver", "wscn:ServerErrorInternalError")
    assert b"secret" not in answer.message
    assert [event["log_level"] for event in logs] == [LogLevel.critical]
    assert logs[0]["log_failure"].value is error


@pytest.mark.conformance(298)
def test_an_endpoint_without_a_fault_for_an_error_gives_an_internal_error() -> None:
    """Even an endpoint that fails while it explains a failure leaves the client with a fault."""
    endpoint = raising(ValueError("secret"))
    for explain in (lambda error: error, lambda error: 1 / 0):
        endpoint.fault = explain  # type: ignore[method-assign]
        with capturedLogs():
            answer = answered(endpoint)
        assert fault_of(answer) == ("soap:Receiver", "wscn:ServerErrorInternalError")


def test_an_endpoint_prescribes_its_own_faults() -> None:
    """Another service than the scan service has other words."""
    endpoint = raising(NotAcceptingJobs())
    endpoint.fault = lambda error: SoapFault.destination_unreachable("gone")  # type: ignore[method-assign]
    assert fault_of(answered(endpoint)) == ("soap:Sender", "wsa:DestinationUnreachable")


@pytest.mark.conformance(38, 298)
def test_an_answer_that_is_too_large_is_a_defect() -> None:
    """No envelope beyond the limit goes out, whatever an operation returns."""
    reply = no_jobs()
    assert reply.body is not None
    reply.body[0].text = "x" * 40000
    with capturedLogs() as logs:
        answer = answered(FakeEndpoint(GetActiveJobs=lambda: reply))
    assert fault_of(answer) == ("soap:Receiver", "wscn:ServerErrorInternalError")
    assert "no client takes that" in str(logs[0]["log_failure"].value)
    assert take_violations() == []


@pytest.mark.conformance(38)
def test_an_answer_that_is_too_large_gives_way_to_a_shorter_one() -> None:
    """The shorter answer is asked for only then; what it raises is what the client is told."""
    asked: list[str] = []

    def shorter() -> Reply:
        asked.append("shorter")
        return no_jobs()

    def long(shorter: Any) -> Reply:
        reply = replace(no_jobs(), shorter=shorter)
        assert reply.body is not None
        reply.body[0].text = "x" * 40000
        return reply

    assert answered(FakeEndpoint(GetActiveJobs=lambda: replace(no_jobs(), shorter=shorter))).status == 200
    assert asked == []
    answer = answered(FakeEndpoint(GetActiveJobs=lambda: long(shorter)))
    assert (answer.status, asked) == (200, ["shorter"])
    assert read_envelope(answer.message).relates_to == MESSAGE_ID

    def nothing() -> Reply:
        raise InvalidArgument("RequestedElements", "ask for less")

    answer = answered(FakeEndpoint(GetActiveJobs=lambda: long(nothing)))
    assert fault_of(answer) == ("soap:Sender", "wscn:InvalidArgs")


def test_an_operation_may_take_its_time() -> None:
    """The answer comes when the operation has it."""
    waiting: Deferred[Reply] = Deferred()
    answering = Call(FakeEndpoint(GetActiveJobs=lambda: waiting), REQUEST, EXCHANGE, "soap12").start()
    no_result(answering)
    waiting.callback(no_jobs())
    assert success_result_of(answering).status == 200


def test_a_client_that_goes_away_cancels_the_operation_once() -> None:
    """What the operation awaits is cancelled exactly once, and the call ends with CancelledError, quietly."""
    cancelled: list[Deferred[Reply]] = []
    waiting: Deferred[Reply] = Deferred(cancelled.append)
    call = Call(FakeEndpoint(GetActiveJobs=lambda: waiting), REQUEST, EXCHANGE, "soap12")
    answering = call.start()
    with capturedLogs() as logs:
        call.cancel()
        call.cancel()
    assert cancelled == [waiting]
    failure_result_of(answering, CancelledError)
    call.cancel()
    assert cancelled == [waiting]
    assert logs == []


def test_an_operation_that_releases_what_it_holds_is_heard() -> None:
    """`except CancelledError` and `finally` run while the operation is cancelled, and may await."""
    released: list[str] = []
    waiting: Deferred[Reply] = Deferred()
    releasing: Deferred[None] = Deferred()

    class Holding(FakeEndpoint):
        def operation(self, action: str) -> Any:
            async def run(envelope: Envelope, exchange: Exchange) -> Reply:
                try:
                    return await waiting
                finally:
                    released.append("begun")
                    await releasing
                    released.append("ended")

            return run

    call = Call(Holding(), REQUEST, EXCHANGE, "soap12")
    answering = call.start()
    call.cancel()
    call.cancel()
    assert released == ["begun"]
    no_result(releasing)
    releasing.callback(None)
    assert released == ["begun", "ended"]
    failure_result_of(answering, CancelledError)


def test_an_operation_that_has_ended_is_not_cancelled() -> None:
    """`cancel` after the answer does nothing."""
    waiting: Deferred[Reply] = Deferred()
    call = Call(FakeEndpoint(GetActiveJobs=lambda: waiting), REQUEST, EXCHANGE, "soap12")
    answering = call.start()
    waiting.callback(no_jobs())
    call.cancel()
    assert success_result_of(answering).status == 200


def test_a_cancellation_of_somebody_else_is_a_defect() -> None:
    """CancelledError that no client caused is answered like any other error."""
    with capturedLogs():
        answer = answered(raising(CancelledError()))
    assert fault_of(answer) == ("soap:Receiver", "wscn:ServerErrorInternalError")


def test_an_operation_may_ignore_that_it_was_cancelled() -> None:
    """An operation that answers all the same is heard, so that its image can be abandoned."""
    reply = image_reply(FakeImageStream())
    waiting: Deferred[Any] = Deferred(lambda waited: waited.callback(reply))
    call = Call(FakeEndpoint(RetrieveImage=lambda: waiting), windows(scan_action("RetrieveImage")), EXCHANGE, "soap12")
    answering = call.start()
    call.cancel()
    assert success_result_of(answering).streamed is reply


def test_refusals_are_told_until_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused request is a line of the usual log; a flood of them goes below it, and is over when it is over."""
    told: list[str] = []
    monkeypatch.setattr(dispatch.log, "info", lambda text, **fields: told.append(text))
    monkeypatch.setattr(dispatch.log, "debug", lambda text, **fields: None)
    now = [0.0]
    tell = dispatch._Telling(lambda: now[0])
    for _ in range(100):
        tell("refused")
    assert len(told) == dispatch.REFUSALS_AT_ONCE
    now[0] += 60
    for _ in range(100):
        tell("refused")
    assert len(told) == dispatch.REFUSALS_AT_ONCE + dispatch.REFUSALS_PER_MINUTE
