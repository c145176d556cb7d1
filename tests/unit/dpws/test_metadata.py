"""What GetResponse tells, and to whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from bridge.dpws.metadata import Metadata
from bridge.identity import Enrolled
from bridge.soap import namespaces as ns
from bridge.soap.envelope import read_envelope, write_envelope
from bridge.soap.exchange import Exchange, Reply
from bridge.soap.faults import SoapFault
from tests.deferreds import failure_result_of, success_result_of
from tests.fakes import wsd_client
from tests.schema_check import check_message

UUID = "6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01"
ENROLLED = Enrolled(UUID, "Canon", "LiDE 210", "VEN_FFFE&DEV_B1C5")
METADATA = Metadata(ENROLLED, "scanbridge", firmware="1.2.3")
HERE = Exchange("192.0.2.7", 8018, "192.0.2.99", f"/{UUID}")
NS = {
    "wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "wsdp": "http://schemas.xmlsoap.org/ws/2006/02/devprof",
    "wsx": "http://schemas.xmlsoap.org/ws/2004/09/mex",
    "wscn": "http://schemas.microsoft.com/windows/2006/08/wdp/scan",
    "pnpx": "http://schemas.microsoft.com/windows/pnpx/2005/10",
    "df": "http://schemas.microsoft.com/windows/2008/09/devicefoundation",
}
DEVPROF = "http://schemas.xmlsoap.org/ws/2006/02/devprof"


def ask(metadata: Metadata, to: str | None = f"urn:uuid:{UUID}", exchange: Exchange = HERE) -> bytes:
    """The whole GetResponse."""
    request = read_envelope(wsd_client.get(to))
    reply = success_result_of(metadata.get(request, exchange))
    assert isinstance(reply, Reply)
    return write_envelope(reply.action, reply.body, relates_to=request.message_id)


def told(metadata: Metadata = METADATA, exchange: Exchange = HERE) -> etree._Element:
    """The body of the GetResponse, checked against the schemas."""
    return check_message(ask(metadata, exchange=exchange)).find("{*}Body")


def texts(body: etree._Element, path: str) -> list[str]:
    return [element.text for element in body.iterfind(path, NS)]


@pytest.mark.conformance(95, 96)
def test_the_body_is_metadata_with_three_sections() -> None:
    """Nothing but wsx:Metadata, and in it the three dialects of the profile."""
    (metadata,) = told()
    assert metadata.tag == "{http://schemas.xmlsoap.org/ws/2004/09/mex}Metadata"
    assert [(section.get("Dialect"), section[0].tag) for section in metadata] == [
        (f"{DEVPROF}/ThisDevice", f"{{{DEVPROF}}}ThisDevice"),
        (f"{DEVPROF}/ThisModel", f"{{{DEVPROF}}}ThisModel"),
        (f"{DEVPROF}/Relationship", f"{{{DEVPROF}}}Relationship"),
    ]


@pytest.mark.conformance(97, 98)
def test_names_are_those_of_the_design() -> None:
    """Windows lists the model with the host that brings it, and no model equals that of a USB device."""
    body = told()
    assert texts(body, ".//wsdp:FriendlyName") == ["Canon LiDE 210 (scanbridge)"]
    assert texts(body, ".//wsdp:Manufacturer") == ["Canon"]
    assert texts(body, ".//wsdp:ModelName") == ["Canon LiDE 210 via Scanbridge"]
    assert texts(body, ".//wsdp:FirmwareVersion") == ["1.2.3"]


@pytest.mark.conformance(97, 98, 99)
def test_overlong_names_are_cut_and_keep_their_ends() -> None:
    """Every text has at most 255 characters, and still tells host and bridge."""
    long = Metadata(replace(ENROLLED, vendor="V" * 255, model="M" * 255), "h" * 64, firmware="9" * 400)
    body = told(long)
    (friendly,), (model,) = texts(body, ".//wsdp:FriendlyName"), texts(body, ".//wsdp:ModelName")
    assert len(friendly) == 255
    assert friendly.endswith(f" ({'h' * 64})")
    assert len(model) == 255
    assert model.endswith(" via Scanbridge")
    assert texts(body, ".//wsdp:FirmwareVersion") == ["9" * 255]


@pytest.mark.conformance(99)
def test_a_configured_name_replaces_the_friendly_name() -> None:
    """The settings' name stands alone, cut where it is too long."""
    body = told(Metadata(ENROLLED, "scanbridge", name="  Office\t" + "x" * 300))
    assert texts(body, ".//wsdp:FriendlyName") == ["Office " + "x" * 248]


def test_a_host_without_a_name_still_has_a_friendly_name() -> None:
    """The name that Windows lists is never empty behind the model."""
    assert Metadata(ENROLLED, "").friendly_name == "Canon LiDE 210 (scanbridge)"


def test_the_serial_number_is_the_scanners_or_the_uuid() -> None:
    """A number is always told: Windows shows it, and it must differ between devices."""
    assert texts(told(), ".//wsdp:SerialNumber") == [UUID]
    assert texts(told(Metadata(replace(ENROLLED, serial="JP7X"), "h")), ".//wsdp:SerialNumber") == ["JP7X"]


@pytest.mark.conformance(109)
def test_the_container_is_the_uuid_in_braces() -> None:
    """Windows 7 and 8 group functions by it."""
    assert texts(told(), ".//wsdp:ThisDevice/df:ContainerId") == [f"{{{UUID}}}"]


@pytest.mark.conformance(107)
def test_the_model_has_its_categories() -> None:
    """Without DeviceCategory Windows asks for the metadata again and again."""
    assert texts(told(), ".//wsdp:ThisModel/pnpx:DeviceCategory") == ["Scanners"]
    assert texts(told(), ".//wsdp:ThisModel/df:DeviceCategory") == ["Imaging.Scanner"]


@pytest.mark.conformance(100, 101, 104, 105, 106)
def test_the_hosted_service_is_what_the_inbox_driver_matches() -> None:
    """One hosted scan service with both ids, in the form that a device accepted by Windows has."""
    (relationship,) = told().iterfind(".//wsdp:Relationship", NS)
    assert relationship.get("Type") == f"{DEVPROF}/host"
    (hosted,) = relationship
    assert hosted.tag == f"{{{DEVPROF}}}Hosted"
    (types,) = hosted.iterfind("wsdp:Types", NS)
    assert types.text == "wscn:ScannerServiceType"
    assert types.nsmap["wscn"] == NS["wscn"]
    assert texts(hosted, "wsdp:ServiceId") == [f"uri:{UUID}/WSDScanner"]
    assert texts(hosted, "pnpx:CompatibleId") == [f"{NS['wscn']}/ScannerServiceType"]
    assert texts(hosted, "pnpx:HardwareId") == ["VEN_FFFE&DEV_B1C5"]


@pytest.mark.conformance(108)
def test_the_ampersand_of_the_hardware_id_is_escaped() -> None:
    """On the wire it is XML."""
    assert b">VEN_FFFE&amp;DEV_B1C5<" in ask(METADATA)


@pytest.mark.conformance(103)
@pytest.mark.parametrize(
    ("local", "url"), [("192.0.2.7", "http://192.0.2.7:8018"), ("fe80::1", "http://[fe80::1]:8018")]
)
def test_addresses_are_those_the_client_came_in_by(local: str, url: str) -> None:
    """Service and page are named at the local address of the connection."""
    body = told(exchange=replace(HERE, local_host=local))
    assert texts(body, ".//wsdp:Hosted/wsa:EndpointReference/wsa:Address") == [f"{url}/{UUID}/scan"]
    assert texts(body, ".//wsdp:PresentationUrl") == [f"{url}/"]


def test_the_host_section_is_a_switch() -> None:
    """Real devices leave Host out; with the switch it names the device itself."""
    assert texts(told(), ".//wsdp:Host/wsa:EndpointReference/wsa:Address") == []
    body = told(replace(METADATA, host_section=True))
    assert texts(body, ".//wsdp:Host/wsa:EndpointReference/wsa:Address") == [f"urn:uuid:{UUID}"]


@pytest.mark.conformance(104)
def test_service_ids_are_unique_in_the_device() -> None:
    """Host and Hosted have ids of their own."""
    ids = texts(told(replace(METADATA, host_section=True)), ".//wsdp:ServiceId")
    assert len(set(ids)) == len(ids) == 2


@pytest.mark.conformance(38)
def test_the_largest_metadata_is_an_envelope_that_clients_take() -> None:
    """With every text at its limit the answer stays below 32767 bytes."""
    wide = "\u20ac" * 255
    largest = Metadata(Enrolled(UUID, wide, wide, "VEN_FFFE&DEV_0000", wide), wide, name=wide, firmware=wide)
    assert len(ask(replace(largest, host_section=True))) <= 32767


@pytest.mark.conformance(114)
def test_asking_twice_gives_the_same_in_two_messages() -> None:
    """Equal content, different MessageIDs."""
    first, second = check_message(ask(METADATA)), check_message(ask(METADATA))
    assert etree.tostring(first.find("{*}Body")) == etree.tostring(second.find("{*}Body"))
    assert first.findtext(".//wsa:MessageID", None, NS) != second.findtext(".//wsa:MessageID", None, NS)


# To whom


@pytest.mark.conformance(94)
@pytest.mark.parametrize(
    "to",
    [
        f"urn:uuid:{UUID}",
        f"URN:UUID:{UUID.upper()}",
        f"http://192.0.2.7:8018/{UUID}",
        f"http://scanbridge.local/{UUID.upper()}/",
    ],
)
def test_our_addresses_are_answered(to: str) -> None:
    """The endpoint address in any case, and the URL the message came to."""
    check_message(ask(METADATA, to))


@pytest.mark.conformance(113)
@pytest.mark.parametrize(
    "to",
    [
        "urn:uuid:00000000-0000-0000-0000-000000000001",
        f"uuid:{UUID}",
        f"https://192.0.2.7:8018/{UUID}",
        f"http://192.0.2.7:8018/{UUID}/scan",
        "http://[192.0.2.7/",
        ns.ANONYMOUS,
        f"http://192.0.2.7/{UUID}?" + "x" * 3000,
    ],
)
def test_another_destination_is_unreachable(to: str) -> None:
    """A message for somebody else is not answered with our metadata."""
    error = failure_result_of(METADATA.get(read_envelope(wsd_client.get(to)), HERE), SoapFault)
    assert isinstance(error, SoapFault)
    assert error.subcode == f"{{{ns.WSA}}}DestinationUnreachable"


@pytest.mark.parametrize("to", [None, "", "  "])
def test_a_missing_destination_is_asked_for(to: str | None) -> None:
    """Get needs its To (discovery-and-metadata.md 9)."""
    error = failure_result_of(METADATA.get(read_envelope(wsd_client.get(to)), HERE), SoapFault)
    assert isinstance(error, SoapFault)
    assert error.subcode == f"{{{ns.WSA}}}MessageInformationHeaderRequired"


@pytest.mark.conformance(112)
@pytest.mark.parametrize("verb", ["Put", "Delete", "Create"])
def test_nothing_but_get_is_known(verb: str) -> None:
    """Metadata cannot be changed by clients."""
    assert METADATA.operation(f"{ns.WST}/{verb}") is None
    assert METADATA.operation(f"{ns.WST}/Get") == METADATA.get


# The digest


@pytest.mark.conformance(111)
def test_the_digest_does_not_depend_on_addresses() -> None:
    """A new DHCP lease is no new metadata: the digest of equal metadata is equal whoever asked in between."""
    told(exchange=replace(HERE, local_host="198.51.100.4", local_port=80))
    assert Metadata(ENROLLED, "scanbridge", firmware="1.2.3").digest == METADATA.digest


@pytest.mark.conformance(110)
@pytest.mark.parametrize(
    "changed",
    [
        replace(METADATA, hostname="other"),
        replace(METADATA, name="Office"),
        replace(METADATA, firmware="1.2.4"),
        replace(METADATA, host_section=True),
        replace(METADATA, enrolled=replace(ENROLLED, model="LiDE 220")),
        replace(METADATA, enrolled=replace(ENROLLED, vendor="CANON")),
        replace(METADATA, enrolled=replace(ENROLLED, hardware_id="VEN_FFFE&DEV_0000")),
        replace(METADATA, enrolled=replace(ENROLLED, serial="1")),
    ],
)
def test_the_digest_changes_with_everything_a_client_sees(changed: Metadata) -> None:
    """Each of them must raise the MetadataVersion."""
    assert changed.digest != METADATA.digest
