"""ScanService: actions, faults, extensions."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidArgument, NotPossibleNow
from bridge.soap import namespaces as ns
from bridge.soap.envelope import Envelope
from bridge.soap.exchange import AnyReply, Exchange, Operation, Reply
from bridge.soap.faults import SENDER, SoapFault
from tests.deferreds import failure_result_of, success_result_of
from tests.fakes.scan_service import ScanServiceBench, detail, exchange, request

OPERATIONS = [
    "ValidateScanTicket",
    "CreateScanJob",
    "RetrieveImage",
    "CancelJob",
    "GetScannerElements",
    "GetJobElements",
    "GetActiveJobs",
    "GetJobHistory",
]
SUBSCRIBE = f"{ns.WSE}/Subscribe"
WRONG = SoapFault(SENDER, f"{{{ns.WSE}}}InvalidMessage", "an extension's own fault")


class Extension:
    """An endpoint that knows Subscribe and ends it with `error`, or answers."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def operation(self, action: str) -> Operation | None:
        return self._subscribe if action in (SUBSCRIBE, f"{ns.WSCN}/CancelJob") else None

    def fault(self, error: Exception) -> Exception:
        return WRONG

    async def _subscribe(self, envelope: Envelope, exchange: Exchange) -> AnyReply:
        if self.error is not None:
            raise self.error
        return Reply(f"{SUBSCRIBE}Response", None)


def subscribe(extension: Extension) -> Operation:
    """Subscribe at a service with `extension`."""
    operation = ScanServiceBench(extensions=[extension]).service.operation(SUBSCRIBE)
    assert operation is not None
    return operation


@pytest.mark.parametrize("name", OPERATIONS)
def test_all_operations_are_there(name: str) -> None:
    """Each of the eight operations is known by its action."""
    assert ScanServiceBench().service.operation(f"{ns.WSCN}/{name}") is not None


@pytest.mark.parametrize("action", ["", f"{ns.WSCN}/GetJobStatus", SUBSCRIBE, f"{ns.WSCN_2006_01}/GetActiveJobs"])
def test_other_actions_are_not_known(action: str) -> None:
    """An action of somebody else is not answered here."""
    assert ScanServiceBench().service.operation(action) is None


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.conformance(296)
def test_a_body_that_does_not_fit_the_action(name: str) -> None:
    """A request whose body belongs to another operation is an invalid argument, and the missing body is named."""
    body = "<sca:GetActiveJobsRequest/>" if name != "GetActiveJobs" else "<sca:GetJobHistoryRequest/>"
    fault = ScanServiceBench().fault(name, body)
    assert fault.subcode == f"{{{ns.WSCN}}}InvalidArgs"
    assert detail(fault) == f"{name}Request"


@pytest.mark.conformance(298)
def test_defects_become_internal_errors() -> None:
    """What nobody expected is told as an internal error, without its details."""
    fault = ScanServiceBench().service.fault(ZeroDivisionError("secret"))
    assert isinstance(fault, SoapFault)
    assert fault.subcode == f"{{{ns.WSCN}}}ServerErrorInternalError"
    assert "secret" not in fault.reason


@pytest.mark.conformance(291, 292)
def test_our_errors_have_their_faults() -> None:
    """A client's mistake is a Sender fault, a state of ours a Receiver fault."""
    service = ScanServiceBench().service
    sender, receiver = service.fault(InvalidArgument("JobId", "no")), service.fault(NotPossibleNow())
    assert isinstance(sender, SoapFault)
    assert isinstance(receiver, SoapFault)
    assert (sender.http_status, receiver.http_status) == (400, 500)


def test_extensions_answer_what_the_service_does_not_know() -> None:
    """Another endpoint's actions are answered at the same address."""
    reply = success_result_of(subscribe(Extension())(request("Subscribe", ""), exchange()))
    assert reply == Reply(f"{SUBSCRIBE}Response", None)


def test_every_extension_is_asked() -> None:
    """An action that the first extension does not know may be the next one's, or nobody's."""

    class Silent(Extension):
        def operation(self, action: str) -> Operation | None:
            return None

    service = ScanServiceBench(extensions=[Silent(), Extension()]).service
    assert service.operation(SUBSCRIBE) is not None
    assert service.operation(f"{ns.WSE}/Renew") is None


def test_extensions_do_not_take_the_services_operations() -> None:
    """The eight operations are always the service's own."""
    bench = ScanServiceBench(extensions=[Extension(ValueError())])
    assert bench.subcode("CancelJob", "<sca:CancelJobRequest/>") == "InvalidArgs"


def test_an_extension_words_its_own_faults() -> None:
    """A refusal inside an extension becomes that extension's fault; a defect passes, to be logged and hidden."""
    refused = subscribe(Extension(InvalidArgument("Filter", "no")))(request("Subscribe", ""), exchange())
    assert failure_result_of(refused) is WRONG
    broken = subscribe(Extension(ZeroDivisionError()))(request("Subscribe", ""), exchange())
    failure_result_of(broken, ZeroDivisionError)
