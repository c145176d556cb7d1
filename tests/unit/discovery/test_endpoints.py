"""The device URL and the stable discovery URL, from the bytes of a request to the bytes of its answer."""

from __future__ import annotations

import pytest
from lxml import etree

from bridge.discovery.endpoints import DeviceEndpoint, StableDiscoveryEndpoint
from bridge.discovery.sequence import AppSequence
from bridge.discovery.target import MAX_MATCHES, Target, TargetDevice
from bridge.dpws.metadata import Metadata
from bridge.identity import Enrolled
from bridge.soap.dispatch import Answer, Call
from bridge.soap.exchange import Endpoint, Exchange
from bridge.soap.faults import SoapFault
from tests.deferreds import success_result_of
from tests.fakes import wsd_client
from tests.schema_check import check_message

FIRST = "6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01"
SECOND = "6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02"
NS = {"wsa": wsd_client.WSA, "wsd": wsd_client.WSD, "soap": "http://www.w3.org/2003/05/soap-envelope"}


@pytest.fixture
def target() -> Target:
    target = Target(AppSequence(1000))
    for uuid in (FIRST, SECOND):
        target.put(TargetDevice(uuid, f"/{uuid}", 1))
    return target


@pytest.fixture
def device(target: Target) -> DeviceEndpoint:
    return DeviceEndpoint(Metadata(Enrolled(FIRST, "Canon", "LiDE 210", "VEN_FFFE&DEV_B1C5"), "host"), target)


@pytest.fixture
def stable(target: Target) -> StableDiscoveryEndpoint:
    return StableDiscoveryEndpoint(target)


def ask(endpoint: Endpoint, request: bytes, local_host: str = "192.0.2.7") -> tuple[Answer, etree._Element]:
    """The answer to a request, and its envelope, checked."""
    exchange = Exchange(local_host, 8018, "192.0.2.99", "/")
    answer = success_result_of(Call(endpoint, request, exchange, "soap12").start())
    return answer, check_message(answer.message)


def told(envelope: etree._Element, path: str) -> list[str]:
    return [element.text for element in envelope.iterfind(f".//{path}", NS)]


def subcode(envelope: etree._Element) -> str:
    value = envelope.findtext(".//soap:Subcode/soap:Value", None, NS)
    assert value is not None
    return value


@pytest.mark.conformance(94)
def test_get_at_the_device_url_is_answered_with_200(device: DeviceEndpoint) -> None:
    """Windows takes no other status."""
    answer, envelope = ask(device, wsd_client.get(f"urn:uuid:{FIRST}", id="urn:uuid:1"))
    assert answer.status == 200
    assert told(envelope, "wsa:Action") == ["http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse"]
    assert told(envelope, "wsa:RelatesTo") == ["urn:uuid:1"]


@pytest.mark.conformance(112)
@pytest.mark.parametrize(
    "action",
    [
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/Put",
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete",
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create",
        "http://schemas.xmlsoap.org/ws/2004/09/mex/GetMetadata/Request",
        "http://schemas.microsoft.com/windows/2006/08/wdp/scan/CreateScanJob",
        "http://schemas.xmlsoap.org/ws/2005/04/discovery/Hello",
    ],
)
def test_actions_of_others_are_not_supported_at_the_device_url(device: DeviceEndpoint, action: str) -> None:
    """Only Get, Probe and Resolve live here; an unknown operation is never answered with metadata."""
    answer, envelope = ask(device, wsd_client.envelope(action, "", to=f"urn:uuid:{FIRST}"))
    assert answer.status == 400
    assert subcode(envelope) == "wsa:ActionNotSupported"


@pytest.mark.conformance(113)
def test_get_for_another_device_is_a_fault(device: DeviceEndpoint) -> None:
    """One scanner does not speak for the other."""
    answer, envelope = ask(device, wsd_client.get(f"urn:uuid:{SECOND}"))
    assert answer.status == 400
    assert subcode(envelope) == "wsa:DestinationUnreachable"


@pytest.mark.conformance(87, 80, 83)
@pytest.mark.parametrize(
    ("local", "host"), [("192.0.2.7", "192.0.2.7"), ("fd99::1", "[fd99::1]"), ("fe80::1", "[fe80::1]")]
)
@pytest.mark.parametrize("types", [None, "", "wsdp:Device", "wscn:ScanDeviceType wsdp:Device"])
def test_a_probe_at_the_device_url_finds_that_device(
    device: DeviceEndpoint, local: str, host: str, types: str | None
) -> None:
    """The response carries the one match, at the address the client connected to."""
    answer, envelope = ask(device, wsd_client.probe(types), local)
    assert answer.status == 200
    assert told(envelope, "wsd:ProbeMatch/wsa:EndpointReference/wsa:Address") == [f"urn:uuid:{FIRST}"]
    assert told(envelope, "wsd:XAddrs") == [f"http://{host}:8018/{FIRST}"]


@pytest.mark.conformance(88)
@pytest.mark.parametrize(("types", "scopes"), [("wsdp:Nothing", None), (None, "http://floor/3")])
def test_a_probe_that_matches_nothing_gets_no_match(
    device: DeviceEndpoint, types: str | None, scopes: str | None
) -> None:
    """Over HTTP nothing is an answer: ProbeMatches without ProbeMatch."""
    answer, envelope = ask(device, wsd_client.probe(types, scopes))
    assert answer.status == 200
    assert told(envelope, "wsa:Action") == [f"{wsd_client.WSD}/ProbeMatches"]
    assert len(envelope.find("soap:Body/wsd:ProbeMatches", NS)) == 0


@pytest.mark.conformance(90)
def test_resolve_over_http_finds_the_device(device: DeviceEndpoint) -> None:
    """For clients whose ProbeMatch had no address."""
    _, envelope = ask(device, wsd_client.resolve(f"urn:uuid:{FIRST.upper()}"))
    assert told(envelope, "wsd:ResolveMatch/wsd:XAddrs") == [f"http://192.0.2.7:8018/{FIRST}"]


@pytest.mark.conformance(90)
def test_resolve_over_http_of_a_stranger_is_empty(device: DeviceEndpoint) -> None:
    """The other scanner is not at this URL."""
    answer, envelope = ask(device, wsd_client.resolve(f"urn:uuid:{SECOND}"))
    assert answer.status == 200
    assert len(envelope.find("soap:Body/wsd:ResolveMatches", NS)) == 0


@pytest.mark.conformance(89)
def test_the_stable_url_finds_every_device(stable: StableDiscoveryEndpoint) -> None:
    """It is the place to ask when only the address of the machine is known."""
    _, envelope = ask(stable, wsd_client.probe())
    assert told(envelope, "wsd:XAddrs") == [f"http://192.0.2.7:8018/{uuid}" for uuid in (FIRST, SECOND)]


def test_the_stable_url_has_no_metadata(stable: StableDiscoveryEndpoint) -> None:
    """It is no device."""
    _, envelope = ask(stable, wsd_client.get(f"urn:uuid:{FIRST}"))
    assert subcode(envelope) == "wsa:ActionNotSupported"


@pytest.mark.conformance(38)
def test_a_machine_full_of_scanners_still_fits_one_envelope(stable: StableDiscoveryEndpoint, target: Target) -> None:
    """The matches are cut to what an envelope of 32767 bytes holds, at the longest addresses."""
    for number in range(100):
        uuid = f"6f1e7ad8-3c5b-5d0e-9c3f-{number:012x}"
        target.put(TargetDevice(uuid, f"/{uuid}", 4294967295))
    longest = "fe80:1111:2222:3333:4444:5555:6666:7777"
    answer, envelope = ask(stable, wsd_client.probe(id="urn:" + "x" * 2000), longest)
    assert len(told(envelope, "wsd:XAddrs")) == MAX_MATCHES
    assert len(answer.message) <= 32767


@pytest.mark.conformance(67)
def test_an_unknown_matching_rule_is_a_fault(stable: StableDiscoveryEndpoint) -> None:
    """Over HTTP the client learns which rules there are."""
    answer, envelope = ask(stable, wsd_client.probe(None, "ldap:///o=x", f"{wsd_client.WSD}/ldap"))
    assert answer.status == 400
    assert subcode(envelope) == "wsd:MatchingRuleNotSupported"
    assert told(envelope, "wsa:Action") == [f"{wsd_client.WSD}/fault"]
    (rules,) = told(envelope, "wsd:SupportedMatchingRules")
    assert rules.split() == [f"{wsd_client.WSD}/{rule}" for rule in ("rfc2396", "strcmp0", "uuid")]


@pytest.mark.parametrize(
    "body", ["", "<wsd:Resolve/>", "<wsd:Hello/>", "<Probe xmlns='http://docs.oasis-open.org/ws-dd/ns/discovery'/>"]
)
def test_a_probe_without_its_body_is_a_fault(stable: StableDiscoveryEndpoint, body: str) -> None:
    """Action and body have to agree."""
    answer, envelope = ask(stable, wsd_client.envelope(f"{wsd_client.WSD}/Probe", body))
    assert answer.status == 400
    assert subcode(envelope) == "wsa:InvalidMessageInformationHeader"


@pytest.mark.conformance(55, 73)
def test_answers_over_http_count_with_all_other_messages(device: DeviceEndpoint, target: Target) -> None:
    """One AppSequence for every discovery message."""
    numbers = []
    for _ in range(3):
        _, envelope = ask(device, wsd_client.probe())
        sequence = envelope.find(".//wsd:AppSequence", NS)
        assert sequence.get("InstanceId") == "1000"
        numbers.append(int(sequence.get("MessageNumber")))
        target.bye(TargetDevice(FIRST, f"/{FIRST}", 1))
    assert numbers == [1, 3, 5]


def test_other_errors_become_a_fault_without_their_words(
    device: DeviceEndpoint, stable: StableDiscoveryEndpoint
) -> None:
    """What went wrong inside is for the log, not for the network."""
    for endpoint in (device, stable):
        fault = endpoint.fault(RuntimeError("/secret/path"))
        assert isinstance(fault, SoapFault)
        assert fault.http_status == 500
        assert "secret" not in fault.reason
        assert endpoint.fault(fault) is fault
