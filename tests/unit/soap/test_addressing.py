"""The addressing rules for requests, and the message that carries a fault back."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge.errors import FormatNotSupported, InvalidArgument
from bridge.soap import namespaces as ns
from bridge.soap.addressing import MAX_URI, check_request, fault_message
from bridge.soap.envelope import read_envelope, text_of
from bridge.soap.faults import SoapFault, scan_fault
from bridge.soap.namespaces import tag
from bridge.soap.parser import MAX_MESSAGE
from tests.clients import MESSAGE_ID, scan_action, windows

ACTION = scan_action("GetActiveJobs")
BODY = "<{scan}:GetActiveJobsRequest/>"


def refused(data: bytes) -> SoapFault:
    """The fault that the addressing rules give for a request."""
    with pytest.raises(SoapFault) as caught:
        check_request(read_envelope(data))
    return caught.value


def without(name: str) -> bytes:
    """A request of Windows without the header `name`."""
    root = etree.fromstring(windows(ACTION, BODY))
    for block in root.findall(f".//{tag(ns.WSA, name)}"):
        block.getparent().remove(block)
    return etree.tostring(root)


def detail_text(fault: SoapFault) -> str:
    """What the detail of `fault` says."""
    return text_of(fault.detail)


@pytest.mark.conformance(17)
def test_an_ordinary_request_passes() -> None:
    """A request whose answer goes back on its connection gives its action; ReplyTo and To may be absent."""
    assert check_request(read_envelope(windows(ACTION, BODY))) == ACTION
    assert check_request(read_envelope(without("ReplyTo"))) == ACTION
    assert check_request(read_envelope(without("To"))) == ACTION


@pytest.mark.conformance(13)
@pytest.mark.parametrize("name", ["Action", "MessageID"])
def test_what_is_missing_is_named(name: str) -> None:
    """A request without Action or MessageID gets MessageInformationHeaderRequired that names it."""
    for data in (without(name), without(name).replace(b"</soap:Header>", f"<wsa:{name}/></soap:Header>".encode())):
        fault = refused(data)
        assert fault.subcode == tag(ns.WSA, "MessageInformationHeaderRequired")
        assert detail_text(fault) == f"wsa:{name}"
        assert fault.http_status == 400


@pytest.mark.conformance(15)
@pytest.mark.parametrize("name", ["ReplyTo", "FaultTo"])
@pytest.mark.parametrize(
    "address", ["http://192.0.2.66/elsewhere", "http://www.w3.org/2005/08/addressing/anonymous", f"{ns.ANONYMOUS}/"]
)
def test_answers_go_nowhere_else(name: str, address: str) -> None:
    """A ReplyTo or FaultTo other than the anonymous address gets InvalidMessageInformationHeader."""
    extra = f"<wsa:{name}><wsa:Address>{address}</wsa:Address></wsa:{name}>"
    data = without("ReplyTo").replace(b"</soap:Header>", f"{extra}</soap:Header>".encode())
    fault = refused(data)
    assert fault.subcode == tag(ns.WSA, "InvalidMessageInformationHeader")
    assert detail_text(fault) == f"wsa:{name}"


@pytest.mark.conformance(18)
def test_a_stranger_that_must_be_understood_comes_first() -> None:
    """MustUnderstand is answered whatever else is wrong, and names each stranger in a header."""
    extra = '<x:Secret xmlns:x="urn:x" soap:mustUnderstand="true"/>'
    data = without("Action").replace(b"</soap:Header>", f"{extra}</soap:Header>".encode())
    fault = refused(data)
    assert fault.code == tag(ns.SOAP, "MustUnderstand")
    message = etree.fromstring(fault_message(fault, read_envelope(data)))
    block = message.find(f".//{tag(ns.SOAP, 'NotUnderstood')}")
    assert block is not None
    prefix, _, local = block.get("qname").partition(":")
    assert (block.nsmap[prefix], local) == ("urn:x", "Secret")


@pytest.mark.conformance(84)
def test_addresses_have_a_longest_length() -> None:
    """An Action or MessageID as long as MAX_URI passes, one character more does not and is not sent back."""
    assert MAX_URI == 2048
    longest = "urn:" + "x" * (MAX_URI - 4)
    assert check_request(read_envelope(windows(longest))) == longest
    assert refused(windows(longest + "x")).subcode == tag(ns.WSA, "InvalidMessageInformationHeader")
    request = read_envelope(windows(ACTION, message_id=longest + "x"))
    with pytest.raises(SoapFault) as caught:
        check_request(request)
    assert b"RelatesTo" not in fault_message(caught.value, request)


@pytest.mark.conformance(8, 10)
def test_a_fault_relates_to_its_request() -> None:
    """A fault carries the addressing fault action and the MessageID of the request."""
    request = read_envelope(windows(ACTION, BODY))
    answer = read_envelope(fault_message(scan_fault(InvalidArgument("JobId", "is no number")), request))
    assert answer.action == ns.ADDRESSING_FAULT
    assert answer.relates_to == MESSAGE_ID
    assert answer.to == ns.ANONYMOUS


@pytest.mark.conformance(18, 38)
def test_strangers_are_named_as_far_as_there_is_room() -> None:
    """A client that fills a request with strangers gets a fault of legal size, not all its own words back."""
    extra = "".join(f'<x{i}:S xmlns:x{i}="urn:{"y" * 90}{i}" soap:mustUnderstand="1"/>' for i in range(190))
    data = windows(ACTION, BODY, extra=extra)
    message = fault_message(refused(data), read_envelope(data))
    named = etree.fromstring(message).findall(f".//{tag(ns.SOAP, 'NotUnderstood')}")
    assert 1 < len(named) < 190
    assert len(message) <= MAX_MESSAGE


def test_a_stranger_with_an_endless_name_is_refused_otherwise() -> None:
    """A header whose name alone would fill the answer is an invalid header."""
    extra = f'<x:S xmlns:x="urn:{"y" * 5000}" soap:mustUnderstand="1"/>'
    assert refused(windows(ACTION, BODY, extra=extra)).subcode == tag(ns.WSA, "InvalidMessageInformationHeader")


@pytest.mark.conformance(38)
def test_a_fault_never_grows_beyond_an_envelope() -> None:
    """A fault whose detail is too large goes out without it."""
    request = read_envelope(windows(ACTION, BODY))
    fault = scan_fault(FormatNotSupported("x", ["png"] * 2000))
    message = fault_message(fault, request)
    assert len(message) <= MAX_MESSAGE
    assert b"ClientErrorFormatNotSupported" in message
    assert b"Detail" not in message
