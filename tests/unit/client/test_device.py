"""From a URL to a scan service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from lxml import etree
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock

from bridge.client.address import read_address
from bridge.client.device import STABLE_PATH, Found, directed_probe, find_match, find_url
from bridge.client.errors import BadAnswer, NoAnswer
from bridge.client.http import SoapClient
from bridge.client.probe import SCANNER_TYPE, Match
from bridge.errors import UsageError
from bridge.soap import namespaces as ns
from bridge.soap.faults import SoapFault
from bridge.wsscan.configuration import scanner_configuration
from tests.deferreds import failure_result_of, success_result_of
from tests.fakes.scan_service import FLATBED, scan_offer
from tests.fakes.soap_device import Answer, FakeDevice, failing, fault, raw

PROBE = f"{ns.WSD}/Probe"
URN = "urn:uuid:6ee029c9-363d-54e6-aef2-2f2376afd91c"
DEVICE = "http://192.0.2.7:8018/dev"
SERVICE = "http://192.0.2.7:8018/dev/scan"
NOT_SUPPORTED = fault(SoapFault.action_not_supported("x"))


def message(action: str, body: str) -> Answer:
    """An answer as other people's devices write it."""
    spaces = {"e": ns.SOAP, "a": ns.WSA, "p": ns.WSDP, "x": ns.WSX, "s": ns.WSCN, "d": ns.WSD}
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    header = f"<e:Header><a:Action>{action}</a:Action></e:Header>"
    return raw(f"<e:Envelope {declared}>{header}<e:Body>{body}</e:Body></e:Envelope>".encode())


def metadata(hosted: str, name: str = "LiDE (pi)") -> Answer:
    """Metadata with `hosted` in its relationship."""
    return message(
        ns.TRANSFER_GET_RESPONSE,
        f"<x:Metadata><x:MetadataSection><p:ThisDevice><p:FriendlyName>{name}</p:FriendlyName></p:ThisDevice>"
        f"</x:MetadataSection><x:MetadataSection><p:Relationship>{hosted}</p:Relationship></x:MetadataSection></x:Metadata>",
    )


def hosted(*addresses: str, types: str = "s:ScannerServiceType") -> str:
    """One hosted service."""
    references = "".join(
        f"<a:EndpointReference><a:Address>{address}</a:Address></a:EndpointReference>" for address in addresses
    )
    return f"<p:Hosted>{references}<p:Types>{types}</p:Types></p:Hosted>"


def matches(*devices: tuple[str, str], types: str = "p:Device s:ScanDeviceType") -> Answer:
    """ProbeMatches with (endpoint, XAddrs) for each of `devices`."""
    return message(
        f"{PROBE}Matches",
        "<d:ProbeMatches>"
        + "".join(
            f"<d:ProbeMatch><a:EndpointReference><a:Address>{endpoint}</a:Address></a:EndpointReference>"
            f"<d:Types>{types}</d:Types><d:XAddrs>{xaddrs}</d:XAddrs></d:ProbeMatch>"
            for endpoint, xaddrs in devices
        )
        + "</d:ProbeMatches>",
    )


def description() -> Answer:
    """A scan service that tells what it is."""
    configuration = etree.tostring(scanner_configuration(scan_offer(FLATBED))).decode()
    data = f"<s:ScannerDescription><s:ScannerName>A\x9b</s:ScannerName></s:ScannerDescription>{configuration}"
    return message(
        f"{ns.WSCN}/GetScannerElementsResponse", f"<s:GetScannerElementsResponse>{data}</s:GetScannerElementsResponse>"
    )


class Bench:
    """A client and a device that answers `get`, `probe` and `elements`."""

    def __init__(
        self, get: Sequence[Answer] = (), probe: Sequence[Answer] = (), elements: Sequence[Answer] = ()
    ) -> None:
        self.device = FakeDevice()
        self.device.answers(ns.TRANSFER_GET, *get)
        self.device.answers(PROBE, *probe)
        self.device.answers("GetScannerElements", *elements)
        self.client = SoapClient(self.device, Clock())

    def find(self, url: str) -> list[Found]:
        """The scanners at `url`."""
        return success_result_of(find_url(self.client, url))


def test_a_device_url() -> None:
    """A device's URL leads to its scan service; Get is addressed to the endpoint that Probe told."""
    bench = Bench([metadata(hosted(SERVICE))], [matches((URN, DEVICE))])

    assert bench.find(DEVICE) == [Found(URN, "LiDE (pi)", read_address(SERVICE))]
    get = bench.device.asked[-1]
    assert (get.url, get.envelope.to, get.envelope.body) == (DEVICE, URN, None)


def test_a_device_that_knows_no_directed_probe() -> None:
    """Without an answer to Probe, Get is addressed to the URL."""
    bench = Bench([metadata(hosted(SERVICE))])

    assert bench.find(DEVICE)[0].service == read_address(SERVICE)
    assert bench.device.asked[-1].envelope.to == DEVICE


def test_a_service_url() -> None:
    """An address that is no device is asked whether it is a scan service."""
    bench = Bench(elements=[description()])

    assert bench.find(SERVICE) == [Found("", r"A\x9b", read_address(SERVICE))]
    assert bench.device.operations == ["Probe", "Get", "GetScannerElements"]


def test_a_machine_url() -> None:
    """A URL without a path asks the machine for all its scanners."""
    other = "urn:uuid:00000000-0000-0000-0000-000000000001"
    devices = matches((URN, DEVICE), (other, DEVICE + "2"))
    bench = Bench([metadata(hosted(SERVICE)), metadata(hosted(SERVICE + "2"), "fi")], [devices])

    assert bench.find("192.0.2.7:8018") == [
        Found(URN, "LiDE (pi)", read_address(SERVICE)),
        Found(other, "fi", read_address(SERVICE + "2")),
    ]
    assert bench.device.asked[0].url == f"http://192.0.2.7:8018{STABLE_PATH}"


def test_nothing_of_ours() -> None:
    """What is neither device nor service is told with what it answered."""
    web_server = raw(b"<html>", 404, "text/html")
    bench = Bench([web_server], [web_server], [web_server])

    error = failure_result_of(find_url(bench.client, DEVICE), BadAnswer)

    assert f"{DEVICE}: there is no WSD scanner" in str(error)
    assert "404" in str(error)


def test_a_printer() -> None:
    """A device without a scan service is no scanner."""
    bench = Bench([metadata(hosted(SERVICE, types="s:PrinterServiceType"))], elements=[NOT_SUPPORTED])

    assert "has no scan service" in str(failure_result_of(find_url(bench.client, DEVICE), BadAnswer))


def test_nobody_there() -> None:
    """An address where nobody answers is told at once, without further attempts."""
    bench = Bench(probe=[failing(ConnectionRefusedError())])

    failure_result_of(find_url(bench.client, DEVICE), NoAnswer)
    assert bench.device.operations == ["Probe"]


def test_what_is_no_url() -> None:
    """A wrong URL is a matter of the command line."""
    assert "--url ftp://x" in str(failure_result_of(find_url(Bench().client, "ftp://x"), UsageError))


@pytest.mark.parametrize(
    "services",
    [
        hosted("https://192.0.2.7/", SERVICE),
        hosted("http://192.0.2.7/print", types="s:Printer") + hosted(SERVICE),
        hosted(SERVICE, types="s:Other s:ScannerServiceType"),
        hosted("urn:uuid:1", types="s:ScannerServiceType") + hosted(SERVICE),
    ],
)
def test_which_service(services: str) -> None:
    """The first usable address of a scan service counts, whatever else the device has."""
    assert Bench([metadata(services)]).find(DEVICE)[0].service == read_address(SERVICE)


def test_names_are_harmless() -> None:
    """A name from the network cannot reach the terminal's controls."""
    assert Bench([metadata(hosted(SERVICE), "x\x9b[2J")]).find(DEVICE)[0].name == r"x\x9b[2J"


def test_link_local_services() -> None:
    """A service at a link-local address is on the interface where its device is."""
    service = "http://[fe80::1]:8018/dev/scan"

    (found,) = Bench([metadata(hosted(service))]).find("http://[fe80::1%25eth0]:8018/dev")

    assert str(found.service) == "http://[fe80::1%25eth0]:8018/dev/scan"


def test_directed_probe() -> None:
    """A Probe by HTTP asks for scanners, and only scanners count."""
    address = read_address("http://[fe80::1%25eth0]:8018/dev")
    scanner = matches((URN, "http://[fe80::1]:8018/dev nonsense"))
    bench = Bench(probe=[scanner, matches((URN, DEVICE), types="p:Device")])

    (match,) = success_result_of(directed_probe(bench.client, address))
    assert [str(one) for one in match.xaddrs] == ["http://[fe80::1%25eth0]:8018/dev"]
    assert bench.device.asked[0].envelope.to == ns.DISCOVERY_TO
    assert success_result_of(directed_probe(bench.client, address)) == []


def test_addresses_in_turn() -> None:
    """The addresses of a match are tried until one answers; when none does, the last one's error is told."""
    match = Match(URN, (SCANNER_TYPE,), (read_address("http://192.0.2.1/"), read_address(DEVICE)))
    refused = failing(ConnectionRefusedError())
    bench = Bench([refused, metadata(hosted(SERVICE))])
    assert success_result_of(find_match(bench.client, match)).service == read_address(SERVICE)
    assert [one.url for one in bench.device.asked] == ["http://192.0.2.1/", DEVICE]

    assert DEVICE in str(failure_result_of(find_match(Bench([refused]).client, match), NoAnswer))
    failure_result_of(find_match(Bench().client, replace(match, xaddrs=())), NoAnswer)
