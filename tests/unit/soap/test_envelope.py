"""Reading and writing SOAP 1.2 envelopes."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSCN_E, not_understood, qname, read_envelope, text_of, write_envelope
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag
from bridge.soap.parser import MalformedXml
from tests.clients import CLIENTS, MESSAGE_ID, Client, airscan, scan_action, windows


def envelope(header: str = "", body: str = "", *, soap: str = ns.SOAP, attributes: str = "") -> bytes:
    """An envelope with nothing in it but what is given."""
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns:a="{ns.WSA}" {attributes}>'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS.keys())
@pytest.mark.conformance(17, 26)
def test_requests_of_real_clients_are_read(client: Client) -> None:
    """Prefixes, order of headers and the form of ReplyTo are the client's choice."""
    action = scan_action("GetActiveJobs")
    request = read_envelope(client(action, "<{scan}:GetActiveJobsRequest/>"))
    assert request.action == action
    assert request.message_id == MESSAGE_ID
    assert request.reply_to == ns.ANONYMOUS
    assert request.fault_to is None
    assert request.body is not None
    assert request.body.tag == tag(ns.WSCN, "GetActiveJobsRequest")


@pytest.mark.conformance(21)
def test_addressing_values_are_trimmed() -> None:
    """White space around an address or an action means nothing."""
    request = read_envelope(envelope("<a:Action>\n\t urn:x </a:Action><a:MessageID> urn:uuid:1\r\n</a:MessageID>"))
    assert (request.action, request.message_id) == ("urn:x", "urn:uuid:1")


def test_what_is_not_there_is_none() -> None:
    """Headers and a body that a message leaves out are None."""
    request = read_envelope(f'<s:Envelope xmlns:s="{ns.SOAP}"><s:Body/></s:Envelope>'.encode())
    found = (request.action, request.message_id, request.to, request.reply_to, request.relates_to, request.body)
    assert found == (None,) * 6
    assert request.headers == ()
    assert request.header(tag(ns.WSE, "Identifier")) is None


@pytest.mark.conformance(6)
def test_an_encoding_style_is_no_obstacle() -> None:
    """soap:encodingStyle on the Envelope, which the documentation shows, is ignored."""
    read_envelope(envelope(attributes=f's:encodingStyle="{ns.SOAP_1_1}"'))


def test_other_addressing_namespaces_are_not_read() -> None:
    """Headers of another version of WS-Addressing are strangers."""
    data = envelope("<a:Action>urn:x</a:Action>").replace(ns.WSA.encode(), b"http://www.w3.org/2005/08/addressing")
    assert read_envelope(data).action is None


@pytest.mark.conformance(20)
@pytest.mark.parametrize("namespace", [ns.SOAP_1_1, "urn:soap-of-tomorrow", "https://www.w3.org/2003/05/soap-envelope"])
def test_another_soap_version_is_named_as_such(namespace: str) -> None:
    """An Envelope in another namespace is a version mismatch, and the fault says which version is taken."""
    with pytest.raises(SoapFault) as caught:
        read_envelope(envelope(soap=namespace))
    assert caught.value.code == tag(ns.SOAP, "VersionMismatch")
    assert caught.value.headers[0].tag == tag(ns.SOAP, "Upgrade")
    assert caught.value.http_status == 500


SHAPES = {
    "no envelope": "<s:Body/>",
    "no body": "<s:Envelope/>",
    "two bodies": "<s:Envelope><s:Body/><s:Body/></s:Envelope>",
    "two headers": "<s:Envelope><s:Header/><s:Header/><s:Body/></s:Envelope>",
    "header behind body": "<s:Envelope><s:Body/><s:Header/></s:Envelope>",
    "something behind body": "<s:Envelope><s:Body/><s:Fault/></s:Envelope>",
    "body of no namespace": "<s:Envelope><Body/></s:Envelope>",
    "body deeper": "<s:Envelope><s:Header><s:Body/></s:Header></s:Envelope>",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_an_envelope_has_one_header_at_most_then_one_body(shape: str) -> None:
    """Any other shape is the client's fault, never a guess at what it meant."""
    data = re.sub(r"^<(s:\w+)", rf'<\1 xmlns:s="{ns.SOAP}"', shape).encode()
    with pytest.raises(SoapFault) as caught:
        read_envelope(data)
    assert caught.value.http_status == 400


@pytest.mark.parametrize("name", ["Action", "MessageID", "To", "ReplyTo", "FaultTo"])
def test_an_addressing_header_comes_once(name: str) -> None:
    """Two of one header contradict each other; the first does not silently win."""
    block = f"<a:{name}><a:Address>urn:x</a:Address></a:{name}>"
    with pytest.raises(SoapFault, match=f"wsa:{name}.*twice"):
        _ = read_envelope(envelope(block * 2)).fault_to


@pytest.mark.conformance(8)
def test_a_fault_of_reading_still_knows_the_request() -> None:
    """A header that is there twice gets a fault that relates to the request."""
    with pytest.raises(SoapFault) as caught:
        read_envelope(envelope("<a:MessageID>urn:uuid:9</a:MessageID><a:To>a</a:To><a:To>b</a:To>"))
    assert caught.value.relates_to == "urn:uuid:9"


def test_what_is_no_xml_is_no_envelope() -> None:
    """The parser's refusals pass through."""
    with pytest.raises(MalformedXml):
        read_envelope(b"<x")


@pytest.mark.conformance(18, 19)
@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        ('s:mustUnderstand="true"', True),
        ('s:mustUnderstand=" 1 "', True),
        (f's:mustUnderstand="1" s:role="{ns.SOAP}/role/next"', True),
        (f's:mustUnderstand="1" s:role="{ns.SOAP}/role/ultimateReceiver"', True),
        (f's:mustUnderstand="1" s:role="{ns.SOAP}/role/none"', False),
        ('s:mustUnderstand="1" s:role="urn:somebody-else"', False),
        ('s:mustUnderstand="0"', False),
        ('s:mustUnderstand="false"', False),
        ('mustUnderstand="1"', False),
        ("", False),
    ],
)
def test_strangers_that_must_be_understood_are_found(attributes: str, counts: bool) -> None:
    """A header counts when it is for us, asks for it, and is none of those that are known."""
    header = f'<x:Secret xmlns:x="urn:x" {attributes}/><a:To s:mustUnderstand="1">urn:y</a:To>'
    assert not_understood(read_envelope(envelope(header))) == (["{urn:x}Secret"] if counts else [])


@pytest.mark.conformance(1, 2, 4, 5, 27, 28)
def test_what_is_written_is_soap_1_2_in_our_prefixes() -> None:
    """A message is UTF-8 SOAP 1.2 whose Envelope declares every prefix literally."""
    data = write_envelope(scan_action("CancelJobResponse"), WSCN_E.CancelJobResponse(), relates_to=MESSAGE_ID)
    root = etree.fromstring(data)
    assert data.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    assert root.tag == tag(ns.SOAP, "Envelope")
    assert dict(root.nsmap) == ns.PREFIXES
    assert root.attrib == {}
    assert b"https:" not in data
    assert b"<wscn:CancelJobResponse/>" in data


@pytest.mark.conformance(7, 11, 12)
def test_an_answer_relates_to_its_request_and_is_new() -> None:
    """RelatesTo is the request's MessageID, To anonymous, and the own MessageID never the same twice."""
    made = [write_envelope(scan_action("CancelJobResponse"), WSCN_E.CancelJobResponse(), relates_to=MESSAGE_ID)] * 1
    made.append(write_envelope(scan_action("CancelJobResponse"), WSCN_E.CancelJobResponse(), relates_to=MESSAGE_ID))
    first, second = (read_envelope(data) for data in made)
    assert first.relates_to == second.relates_to == MESSAGE_ID
    assert first.to == ns.ANONYMOUS
    assert first.message_id != second.message_id
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", first.message_id or "")


def test_a_message_id_can_be_given() -> None:
    """A repeated datagram keeps its MessageID."""
    data = write_envelope(
        scan_action("CancelJobResponse"), WSCN_E.CancelJobResponse(), message_id=MESSAGE_ID, relates_to="urn:uuid:1"
    )
    assert read_envelope(data).message_id == MESSAGE_ID


@pytest.mark.conformance(26)
def test_qnames_resolve_where_they_stand() -> None:
    """A QName means what its prefix means at its element, not what the prefix is called."""
    body = '<x xmlns="urn:d" xmlns:p="urn:p"><y xmlns:p="urn:q"/><z xmlns=""/></x>'
    root = read_envelope(envelope(body=body)).body
    assert root is not None
    assert qname(root, " p:n ") == "{urn:p}n"
    assert qname(root, "n") == "{urn:d}n"
    assert qname(root[0], "p:n") == "{urn:q}n"
    assert qname(root[1], "n") == "n"
    assert qname(root, "unknown:n") is None


def test_text_is_trimmed_and_absence_is_empty() -> None:
    """Text content comes without the white space of a pretty-printer."""
    root = read_envelope(envelope(body="<x>\n  1 <y/> 2</x>")).body
    assert text_of(root) == "1"
    assert text_of(None) == ""


def test_both_clients_say_the_same() -> None:
    """The two builders differ in words only: what is read is the same operation."""
    body = "<{scan}:CancelJobRequest><{scan}:JobId>1</{scan}:JobId></{scan}:CancelJobRequest>"
    first, second = (read_envelope(client(scan_action("CancelJob"), body)) for client in (windows, airscan))
    assert first.body is not None
    assert second.body is not None
    assert [(e.tag, text_of(e)) for e in first.body.iter()] == [(e.tag, text_of(e)) for e in second.body.iter()]
