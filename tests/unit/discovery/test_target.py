"""Which questions are answered, and what the messages say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from bridge.discovery.scopes import UnknownMatchingRule
from bridge.discovery.sequence import AppSequence
from bridge.discovery.target import OUR_TYPES, Match, Target, TargetDevice
from bridge.dpws.metadata import DEVICE_TYPES
from bridge.soap.envelope import qname, read_envelope
from bridge.soap.faults import SoapFault
from tests.fakes import wsd_client
from tests.schema_check import check_datagram, fits_mtu

FIRST = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", 3)
SECOND = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", 1)
XADDR = "http://192.0.2.7:8018/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01"
NS = {"wsa": wsd_client.WSA, "wsd": wsd_client.WSD}
FLOOR = "http://example.com/building/3"


@pytest.fixture
def target() -> Target:
    target = Target(AppSequence(1000))
    target.put(FIRST)
    return target


def answered(target: Target, request: bytes) -> list[str]:
    """The UUIDs that answer a datagram."""
    return [match.device.uuid for match in target.answers(read_envelope(request))]


def children(element: etree._Element) -> list[str]:
    return [etree.QName(child).localname for child in element]


# What is answered


@pytest.mark.parametrize(
    ("types", "namespaces"),
    [
        pytest.param("wsdp:Device", {}, marks=pytest.mark.conformance(58)),
        pytest.param("wscn:ScanDeviceType", {}, marks=pytest.mark.conformance(59)),
        pytest.param(
            "sca:ScanDeviceType",
            {"sca": "http://schemas.microsoft.com/windows/2006/08/wdp/scan"},
            marks=pytest.mark.conformance(26, 59),
        ),
        pytest.param(
            "wsdp:ScanDeviceType",
            {"wsdp": "http://schemas.microsoft.com/windows/2006/08/wdp/scan"},
            marks=pytest.mark.conformance(26, 59),
        ),
        pytest.param("\n wsdp:Device\twscn:ScanDeviceType ", {}, marks=pytest.mark.conformance(60)),
        pytest.param(None, {}, marks=pytest.mark.conformance(61)),
        pytest.param("", {}, marks=pytest.mark.conformance(61)),
    ],
)
def test_a_probe_for_our_types_is_answered(target: Target, types: str | None, namespaces: dict[str, str]) -> None:
    """Names count, not prefixes; no type at all asks for everybody."""
    assert answered(target, wsd_client.probe(types, namespaces=namespaces)) == [FIRST.uuid]


@pytest.mark.conformance(62)
@pytest.mark.parametrize(
    "types",
    [
        "wscn:ScannerServiceType",
        "wsdp:Device wscn:PrintDeviceType",
        "Device",
        "wscn:Device",
        "undeclared:Device",
        "discovery:DiscoveryProxy",
        "wsdp:device",
    ],
)
def test_a_probe_for_another_type_is_not_answered(target: Target, types: str) -> None:
    """Every type has to be ours; the hosted service's is none of the device."""
    namespaces = {"discovery": "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01"}
    assert answered(target, wsd_client.probe(types, namespaces=namespaces)) == []


def test_a_default_namespace_holds_for_types() -> None:
    """A QName without prefix belongs to the default namespace."""
    target = Target(AppSequence(1000))
    target.put(FIRST)
    body = '<wsd:Probe><wsd:Types xmlns="http://schemas.xmlsoap.org/ws/2006/02/devprof">Device</wsd:Types></wsd:Probe>'
    assert answered(target, wsd_client.envelope(f"{wsd_client.WSD}/Probe", body)) == [FIRST.uuid]


@pytest.mark.conformance(63)
@pytest.mark.parametrize("scopes", [FLOOR, f"{FLOOR} http://example.com/"])
def test_a_probe_for_a_scope_of_others_is_not_answered(target: Target, scopes: str) -> None:
    """By default a scanner is in no scope."""
    assert answered(target, wsd_client.probe(None, scopes)) == []


@pytest.mark.conformance(64)
def test_a_probe_for_our_scope_is_answered() -> None:
    """With scopes the rules decide, the type has to match as well."""
    target = Target(AppSequence(1000), scopes=[FLOOR])
    target.put(FIRST)
    assert answered(target, wsd_client.probe("wsdp:Device", "http://EXAMPLE.com/building")) == [FIRST.uuid]
    assert answered(target, wsd_client.probe(None, "", f"{wsd_client.WSD}/strcmp0")) == [FIRST.uuid]
    assert answered(target, wsd_client.probe("wsdp:Other", FLOOR)) == []
    assert answered(target, wsd_client.probe(None, "http://EXAMPLE.com", f" {wsd_client.WSD}/strcmp0 ")) == []


def test_an_unknown_matching_rule_gives_no_answer(target: Target) -> None:
    """What the caller hears is not for the wire."""
    with pytest.raises(UnknownMatchingRule):
        answered(target, wsd_client.probe(None, FLOOR, f"{wsd_client.WSD}/ldap"))


@pytest.mark.conformance(76)
@pytest.mark.parametrize("address", [FIRST.address, FIRST.address.upper(), f"\n {FIRST.address} "])
def test_a_resolve_for_our_address_is_answered(target: Target, address: str) -> None:
    """Case does not matter in a UUID, nor white space around a URI."""
    target.put(SECOND)
    assert answered(target, wsd_client.resolve(address)) == [FIRST.uuid]


@pytest.mark.conformance(77)
@pytest.mark.parametrize("address", [SECOND.address, FIRST.uuid, f"uuid:{FIRST.uuid}", FIRST.address + "/"])
def test_a_resolve_for_another_address_is_not_answered(target: Target, address: str) -> None:
    """Silence is the only answer for others."""
    assert answered(target, wsd_client.resolve(address)) == []


@pytest.mark.conformance(91)
@pytest.mark.parametrize("name", ["Hello", "Bye", "ProbeMatches", "ResolveMatches", "fault", "Other"])
def test_other_messages_are_not_answered(target: Target, name: str) -> None:
    """A target service speaks only to questions."""
    body = f"<wsd:{name}><wsa:EndpointReference/></wsd:{name}>"
    assert answered(target, wsd_client.envelope(f"{wsd_client.WSD}/{name}", body)) == []


def test_a_question_without_message_id_is_not_answered(target: Target) -> None:
    """There is nothing that an answer could relate to."""
    assert answered(target, wsd_client.probe(id=None)) == []


@pytest.mark.parametrize(
    "body", ["", "<wsd:Resolve/>", "<wsdp:Probe/>", "<Probe xmlns='http://docs.oasis-open.org/ws-dd/ns/discovery'/>"]
)
def test_a_probe_with_another_body_is_refused(target: Target, body: str) -> None:
    """Action and body have to agree."""
    with pytest.raises(SoapFault):
        answered(target, wsd_client.envelope(f"{wsd_client.WSD}/Probe", body))


@pytest.mark.parametrize("reference", ["", "<wsa:EndpointReference/>", "<wsa:Address>urn:uuid:1</wsa:Address>"])
def test_a_resolve_that_names_nobody_is_refused(target: Target, reference: str) -> None:
    """The endpoint address is what it is about."""
    with pytest.raises(SoapFault):
        answered(target, wsd_client.envelope(f"{wsd_client.WSD}/Resolve", f"<wsd:Resolve>{reference}</wsd:Resolve>"))


def test_every_device_answers_for_itself(target: Target) -> None:
    """Two scanners are two answers, and one that has gone is none."""
    target.put(SECOND)
    assert answered(target, wsd_client.probe()) == [FIRST.uuid, SECOND.uuid]
    target.drop(FIRST.uuid)
    target.drop("never known")
    assert answered(target, wsd_client.probe()) == [SECOND.uuid]


# What the messages say


@pytest.mark.conformance(45, 47, 48, 50, 85)
def test_a_hello_says_who_and_where(target: Target) -> None:
    """To everybody, in schema order, with the counter and within one packet."""
    data = target.hello(FIRST, XADDR)
    envelope = check_datagram(data)
    (hello,) = envelope.find("{*}Body")
    assert children(hello) == ["EndpointReference", "Types", "XAddrs", "MetadataVersion"]
    assert envelope.findtext(".//wsa:To", None, NS) == "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
    assert hello.findtext("wsa:EndpointReference/wsa:Address", None, NS) == FIRST.address
    assert hello.findtext("wsd:XAddrs", None, NS) == XADDR
    assert hello.findtext("wsd:MetadataVersion", None, NS) == "3"
    sequence = envelope.find(".//wsd:AppSequence", NS)
    assert dict(sequence.attrib) == {"InstanceId": "1000", "MessageNumber": "1"}
    assert fits_mtu(data)


@pytest.mark.conformance(46)
def test_a_hello_without_addresses_is_a_switch() -> None:
    """As WSDAPI's own hosts do: a client then has to resolve."""
    hello = check_datagram(Target(AppSequence(1000), hello_xaddrs=False).hello(FIRST, XADDR)).find("{*}Body")[0]
    assert children(hello) == ["EndpointReference", "Types", "MetadataVersion"]


@pytest.mark.conformance(45)
def test_scopes_stand_between_types_and_addresses() -> None:
    """The schema's order with everything there is."""
    hello = check_datagram(Target(AppSequence(1000), scopes=[FLOOR]).hello(FIRST, XADDR)).find("{*}Body")[0]
    assert children(hello) == ["EndpointReference", "Types", "Scopes", "XAddrs", "MetadataVersion"]
    assert hello.findtext("wsd:Scopes", None, NS) == FLOOR


@pytest.mark.conformance(49, 85)
def test_a_bye_says_who(target: Target) -> None:
    """To everybody, with the same endpoint address as Hello."""
    data = target.bye(FIRST)
    envelope = check_datagram(data)
    assert envelope.findtext(".//wsd:Bye/wsa:EndpointReference/wsa:Address", None, NS) == FIRST.address
    assert envelope.findtext(".//wsa:To", None, NS) == "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
    assert fits_mtu(data)


@pytest.mark.parametrize(
    ("resolve", "name"),
    [
        pytest.param(False, "Probe", marks=pytest.mark.conformance(72, 73, 74, 79, 85)),
        pytest.param(True, "Resolve", marks=pytest.mark.conformance(76, 79, 85)),
    ],
)
def test_a_match_says_who_where_and_to_what(target: Target, resolve: bool, name: str) -> None:
    """The answer relates to its question and has one http address, within one packet."""
    question = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
    data = target.message(Match(FIRST, question, resolve), XADDR)
    envelope = check_datagram(data)
    (matches,) = envelope.find("{*}Body")
    assert [matches.tag, matches[0].tag] == [f"{{{NS['wsd']}}}{name}Matches", f"{{{NS['wsd']}}}{name}Match"]
    assert children(matches[0]) == ["EndpointReference", "Types", "XAddrs", "MetadataVersion"]
    assert envelope.findtext(".//wsa:RelatesTo", None, NS) == question
    assert envelope.findtext(".//wsa:Action", None, NS) == f"{NS['wsd']}/{name}Matches"
    assert matches.findtext(".//wsd:XAddrs", None, NS) == XADDR
    assert envelope.find(".//wsd:AppSequence", NS) is not None
    assert fits_mtu(data)


@pytest.mark.conformance(27, 74, 75)
def test_the_types_are_device_and_scan_device(target: Target) -> None:
    """Both by their names, and the hosted service's type is not among them."""
    types = check_datagram(target.hello(FIRST, XADDR)).find(".//wsd:Types", NS)
    names = {qname(types, name) for name in types.text.split()}
    assert types.text == DEVICE_TYPES
    assert names == OUR_TYPES == {
        "{http://schemas.xmlsoap.org/ws/2006/02/devprof}Device",
        "{http://schemas.microsoft.com/windows/2006/08/wdp/scan}ScanDeviceType",
    }


@pytest.mark.conformance(55)
def test_every_message_has_a_greater_number(target: Target) -> None:
    """Hello, answers and Bye of all devices count together."""
    match = Match(FIRST, "urn:uuid:1", False)
    messages = [
        target.hello(FIRST, XADDR),
        target.message(match, XADDR),
        target.hello(SECOND, XADDR),
        target.message(replace(match, resolve=True), XADDR),
        target.bye(FIRST),
    ]
    numbers = [int(check_datagram(data).find(".//wsd:AppSequence", NS).get("MessageNumber")) for data in messages]
    assert numbers == [1, 2, 3, 4, 5]


@pytest.mark.conformance(79, 82, 84, 85)
def test_the_longest_address_still_fits() -> None:
    """An IPv6 literal is bracketed, has no zone, and the datagram stays within 1400 octets at the largest numbers."""
    device = replace(FIRST, metadata_version=4294967295)
    xaddr = device.xaddr("fe80:1111:2222:3333:4444:5555:6666:7777%enxb827eb000000", 65535)
    assert xaddr == f"http://[fe80:1111:2222:3333:4444:5555:6666:7777]:65535/{FIRST.uuid}"
    target = Target(AppSequence(4294967295))
    target.sequence.message_number = 4294967290
    question = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
    assert fits_mtu(target.message(Match(device, question, True), xaddr))
    assert fits_mtu(target.hello(device, xaddr))
