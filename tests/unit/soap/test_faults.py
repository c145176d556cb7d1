"""Faults: the table from our errors to SOAP's words."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge import errors
from bridge.soap import namespaces as ns
from bridge.soap.addressing import fault_message
from bridge.soap.envelope import read_envelope
from bridge.soap.faults import MAX_REASON, RECEIVER, SENDER, SoapFault, fault_body, scan_fault
from bridge.soap.namespaces import tag
from tests.clients import scan_action, windows

REQUEST = read_envelope(windows(scan_action("GetActiveJobs"), "<{scan}:GetActiveJobsRequest/>"))

TABLE = [
    (errors.InvalidArgument("JobId", "no"), SENDER, "InvalidArgs"),
    (errors.FormatNotSupported("jbig", ["exif"]), SENDER, "ClientErrorFormatNotSupported"),
    (errors.ConflictingParameters(), SENDER, "ClientErrorConflictingRequiredParameters"),
    (errors.NoImagesAvailable(), SENDER, "ClientErrorNoImagesAvailable"),
    (errors.JobNotFound("7"), SENDER, "ClientErrorJobIdNotFound"),
    (errors.InvalidJobToken(), SENDER, "ClientErrorInvalidJobToken"),
    (errors.JobCancelled(), SENDER, "ClientErrorJobCancelled"),
    (errors.InvalidScanIdentifier(), SENDER, "ClientErrorInvalidScanIdentifier"),
    (errors.InvalidDestinationToken(), SENDER, "ClientErrorInvalidDestinationToken"),
    (errors.NotAcceptingJobs(), RECEIVER, "ServerErrorNotAcceptingJobs"),
    (errors.NotPossibleNow(), RECEIVER, "OperationFailed"),
    (errors.TemporaryError(), RECEIVER, "ServerErrorTemporaryError"),
    (errors.ScannerError("io", "broken"), RECEIVER, "ServerErrorInternalError"),
    (ValueError("our defect"), RECEIVER, "ServerErrorInternalError"),
]


@pytest.mark.conformance(290, 291, 292, 293)
@pytest.mark.parametrize(("error", "code", "local"), TABLE, ids=[row[2] + type(row[0]).__name__ for row in TABLE])
def test_each_error_has_its_fault(error: Exception, code: str, local: str) -> None:
    """Client errors are Sender, server errors Receiver, all in the scan namespace, with an English reason."""
    fault = scan_fault(error)
    assert fault.code == code
    assert fault.subcode == tag(ns.WSCN, local)
    assert fault.http_status == (400 if code == SENDER else 500)
    body = etree.fromstring(fault_message(fault, REQUEST)).find(f".//{tag(ns.SOAP, 'Fault')}")
    assert body is not None
    path = "/".join(tag(ns.SOAP, name) for name in ("Code", "Subcode", "Value"))
    assert body.findtext(path) == f"wscn:{local}"
    assert body.findtext(f"{tag(ns.SOAP, 'Code')}/{tag(ns.SOAP, 'Value')}") == ns.prefixed(code)
    text = body.find(f"{tag(ns.SOAP, 'Reason')}/{tag(ns.SOAP, 'Text')}")
    assert text is not None
    assert text.get(tag(ns.XML, "lang")) == "en"
    assert text.text


def test_every_refusal_has_a_row_of_its_own() -> None:
    """No refusal of ours is told to a client as an internal error."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.Refusal)]
    told = {type(row[0]) for row in TABLE if row[2] != "ServerErrorInternalError"}
    assert {kind for kind in kinds if kind is not errors.Refusal} == told


@pytest.mark.conformance(297)
def test_a_fault_that_is_one_already_stays() -> None:
    """The most specific fault is never replaced by a general one."""
    fault = SoapFault.destination_unreachable("not us")
    assert scan_fault(fault) is fault


@pytest.mark.conformance(298)
def test_a_defect_of_ours_is_not_told_to_clients() -> None:
    """What went wrong inside stays in our log."""
    message = fault_message(scan_fault(ValueError("secret /var/lib/path")), REQUEST)
    assert b"secret" not in message


@pytest.mark.conformance(296)
def test_details_name_what_was_wrong() -> None:
    """The wrong argument, the unknown job and the formats that there are stand in the detail."""
    argument = scan_fault(errors.InvalidArgument("JobId", "is no number")).detail
    job = scan_fault(errors.JobNotFound("4711")).detail
    formats = scan_fault(errors.FormatNotSupported("jbig", ["exif", "png"])).detail
    assert argument is not None
    assert argument.tag == tag(ns.WSCN, "JobId")
    assert job is not None
    assert (job.tag, job.text) == (tag(ns.WSCN, "JobId"), "4711")
    assert formats is not None
    assert [child.text for child in formats] == ["exif", "png"]


@pytest.mark.parametrize("text", ["\x1b[31mjam\x00\uffff", "x" * 10000, "", "\ud800"])
def test_any_text_can_be_a_reason(text: str) -> None:
    """What a scanner's backend or a client says becomes a bounded text that XML can hold."""
    for error in (errors.TemporaryError(text), errors.JobNotFound(text), errors.InvalidArgument(text, text)):
        body = fault_body(scan_fault(error))
        again = etree.fromstring(etree.tostring(body))
        assert max(len(piece) for piece in again.itertext()) <= MAX_REASON


@pytest.mark.conformance(14)
def test_an_unknown_action_is_named() -> None:
    """ActionNotSupported repeats the action in its detail."""
    fault = SoapFault.action_not_supported("urn:x")
    assert fault.subcode == tag(ns.WSA, "ActionNotSupported")
    assert fault.code == SENDER
    assert fault.detail is not None
    assert fault.detail.findtext(tag(ns.WSA, "Action")) == "urn:x"


@pytest.mark.conformance(35, 36)
def test_http_statuses_follow_the_code() -> None:
    """Sender is 400; Receiver, MustUnderstand and VersionMismatch are 500."""
    assert SoapFault.sender("x").http_status == 400
    assert SoapFault.version_mismatch().http_status == 500
    assert SoapFault.must_understand(["{urn:x}y", "z"]).http_status == 500
    assert SoapFault(RECEIVER, None, "x").http_status == 500
