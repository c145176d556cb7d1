"""Every fault of the standards' tables over HTTP, as a client meets it; none keeps the next request from working.

The faults that need a scanner in trouble, and those of wrong arguments, are in `test_scan_service.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.dpws.subscriptions import MAX_SUBSCRIPTIONS_PER_CLIENT
from bridge.soap import namespaces as ns
from tests.clients import scan_action, windows
from tests.conversations.scene import Fault, Scene, body_of, ticket

WSE = ns.WSE
GET_ACTIVE_JOBS = "<{scan}:GetActiveJobsRequest/>"
NOBODY = f'<wse:Identifier xmlns:wse="{WSE}">urn:uuid:00000000-0000-4000-8000-000000000000</wse:Identifier>'


SINK = "http://192.0.2.20:5357/sink"


def subscribe(sink: str = SINK, mode: str = "", expires: str = "PT1H", action: str = "") -> str:
    """A Subscribe as Windows words it."""
    kept = action or f"{ns.WSCN}/JobStatusEvent"
    return (
        f"<wse:Subscribe><wse:Delivery{mode}><wse:NotifyTo><wsa:Address>{sink}</wsa:Address></wse:NotifyTo>"
        "</wse:Delivery>"
        f'<wse:Expires>{expires}</wse:Expires><wse:Filter Dialect="{ns.WSDP}/Action">{kept}</wse:Filter>'
        "</wse:Subscribe>"
    )


def create(before: str = "", parameters: str = "") -> str:
    """A CreateScanJobRequest."""
    inside = before + ticket(parameters=parameters)
    return f"<{{scan}}:CreateScanJobRequest>{inside}</{{scan}}:CreateScanJobRequest>"


CONFLICT = (
    '<{scan}:Format {scan}:MustHonor="true">jfif</{scan}:Format><{scan}:MediaSides><{scan}:MediaFront>'
    '<{scan}:Resolution {scan}:MustHonor="true"><{scan}:Width>100</{scan}:Width><{scan}:Height>300</{scan}:Height>'
    "</{scan}:Resolution></{scan}:MediaFront></{scan}:MediaSides>"
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(
    ("operation", "body", "subcode", "code"),
    [
        (
            "CreateScanJob",
            create("<{scan}:ScanIdentifier>never given</{scan}:ScanIdentifier>"),
            "ClientErrorInvalidScanIdentifier",
            "Sender",
        ),
        (
            "CreateScanJob",
            create("<{scan}:DestinationToken>never given</{scan}:DestinationToken>"),
            "ClientErrorInvalidDestinationToken",
            "Sender",
        ),
        (
            "ValidateScanTicket",
            f"<{{scan}}:ValidateScanTicketRequest>{ticket(parameters=CONFLICT)}</{{scan}}:ValidateScanTicketRequest>",
            "ClientErrorConflictingRequiredParameters",
            "Sender",
        ),
        (f"{WSE}/Subscribe", subscribe(mode=' Mode="urn:by-pigeon"'), "DeliveryModeRequestedUnavailable", "Sender"),
        (f"{WSE}/Subscribe", subscribe(expires="PT0S"), "InvalidExpirationTime", "Sender"),
        (f"{WSE}/Subscribe", subscribe(action="urn:nothing-of-ours"), "FilterActionNotSupported", "Sender"),
        (
            f"{WSE}/Subscribe",
            subscribe().replace(f"{ns.WSDP}/Action", "urn:dialect"),
            "FilteringRequestedUnavailable",
            "Sender",
        ),
        (f"{WSE}/Subscribe", subscribe(sink="http://127.0.0.1/"), "DestinationUnreachable", "Sender"),
        (f"{WSE}/Subscribe", subscribe(sink="http://198.51.100.9/"), "DestinationUnreachable", "Sender"),
        (f"{WSE}/Subscribe", subscribe(sink=ns.ANONYMOUS), "InvalidMessage", "Sender"),
        (f"{WSE}/Subscribe", "<wse:Renew/>", "InvalidMessage", "Sender"),
        (f"{WSE}/Renew", "<wse:Renew/>", "UnableToRenew", "Receiver"),
        (f"{WSE}/GetStatus", "<wse:GetStatus/>", "InvalidMessage", "Sender"),
        (f"{WSE}/Unsubscribe", "<wse:Unsubscribe/>", "InvalidMessage", "Sender"),
    ],
)
@pytest.mark.conformance(169, 179, 180, 251, 255, 256, 261, 267, 291)
def test_a_fault_over_http(scene: Scene, operation: str, body: str, subcode: str, code: str) -> None:
    """The request is refused by the fault of the table, with its code and HTTP status, and the next one is answered."""
    with pytest.raises(Fault, match=f"^{subcode}$") as caught:
        scene.ask(operation, body, extra=NOBODY if operation.startswith(WSE) else "")
    assert (caught.value.code, caught.value.status) == (code, 400 if code == "Sender" else 500)
    assert scene.active() == []


def test_more_subscriptions_than_there_is_room_for(scene: Scene) -> None:
    """Beyond the limit for one client Subscribe is EventSourceUnableToProcess, a Receiver fault."""
    line = scene.wire.connect()
    for _ in range(MAX_SUBSCRIPTIONS_PER_CLIENT):
        body_of(line.post(scene.path, windows(f"{WSE}/Subscribe", subscribe())))
    with pytest.raises(Fault, match=r"^EventSourceUnableToProcess$") as caught:
        body_of(line.post(scene.path, windows(f"{WSE}/Subscribe", subscribe())))
    assert caught.value.code == "Receiver"


@pytest.mark.conformance(298)
def test_a_defect_of_ours(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw is ServerErrorInternalError, and tells the client nothing of our inside."""

    def broken(_order: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(scene.served.queue, "create", broken)
    with pytest.raises(Fault, match=r"^ServerErrorInternalError$") as caught:
        scene.create(ticket())
    assert "secret" not in caught.value.reason


def envelope_fault(scene: Scene, message: bytes) -> Fault:
    """The fault that `message` gets."""
    with pytest.raises(Fault) as caught:
        body_of(scene.wire.post(scene.path, message))
    return caught.value


@pytest.mark.conformance(13, 15, 18, 20, 36)
def test_faults_of_the_envelope(scene: Scene) -> None:
    """SOAP's and WS-Addressing's own faults have their codes and HTTP statuses at the scan service too."""
    good = windows(scan_action("GetActiveJobs"), GET_ACTIVE_JOBS)
    old = good.replace(ns.SOAP.encode(), ns.SOAP_1_1.encode())
    assert (envelope_fault_code(scene, old), scene.wire.post(scene.path, old).status) == ("VersionMismatch", 500)
    strange = windows(
        scan_action("GetActiveJobs"), GET_ACTIVE_JOBS, extra='<x:Y xmlns:x="urn:x" soap:mustUnderstand="true"/>'
    )
    fault = envelope_fault(scene, strange)
    assert (fault.code, fault.status) == ("MustUnderstand", 500)
    elsewhere = good.replace(f"<wsa:Address>{ns.ANONYMOUS}".encode(), b"<wsa:Address>http://192.0.2.20/")
    assert str(envelope_fault(scene, elsewhere)) == "InvalidMessageInformationHeader"
    nameless = good.replace(f"<wsa:Action>{scan_action('GetActiveJobs')}</wsa:Action>".encode(), b"")
    assert str(envelope_fault(scene, nameless)) == "MessageInformationHeaderRequired"
    assert scene.active() == []


def envelope_fault_code(scene: Scene, message: bytes) -> str:
    return envelope_fault(scene, message).code
