"""What Windows does when a person clicks "Add device", against the whole daemon:

    client 10.99.0.2  -- Probe (multicast) -> ProbeMatches -> Get at its XAddr -> scan service at the Hosted address

on one cable between two machines made of network namespaces, in both families.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from tests.fakes import wsd_client
from tests.interop.daemon import Daemon
from tests.interop.discovery_client import Client, Heard
from tests.interop.namespaces import INTERFACE, Cable
from tests.schema_check import check_message

pytestmark = pytest.mark.interop

WSCN = "http://schemas.microsoft.com/windows/2006/08/wdp/scan"
WSDP = "http://schemas.xmlsoap.org/ws/2006/02/devprof"
STABLE_PATH = "/StableWSDiscoveryEndpoint/schemas-xmlsoap-org_ws_2005_04_discovery"


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture
def daemon(cable: Cable, tmp_path: Path) -> Daemon:
    return Daemon(tmp_path, {"network": {"interfaces": []}}, launch=cable.first.start)


@dataclass
class Windows:
    """The PC at the other end."""

    cable: Cable
    family: socket.AddressFamily

    def probe(self) -> Heard:
        """The first ProbeMatches."""
        client = Client(self.cable.second, self.family)
        client.ask(wsd_client.probe())
        return client.next(lambda heard: heard.action == "ProbeMatches")

    def post(self, url: str, data: bytes) -> tuple[int, etree._Element]:
        """Status and checked envelope of the answer to a request."""
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        zone = (0, self.cable.second.index()) if parts.hostname.startswith("fe80:") else ()
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        connection.sock = self.cable.second.socket(self.family, socket.SOCK_STREAM)
        connection.sock.settimeout(30)
        connection.sock.connect((parts.hostname, parts.port, *zone))
        connection.request("POST", parts.path, data, {"Content-Type": "application/soap+xml"})
        answer = connection.getresponse()
        envelope = check_message(answer.read())
        connection.close()
        return answer.status, envelope


def text(element: etree._Element, name: str) -> str:
    """The text of the first descendant with this lxml name."""
    found: str = element.findtext(f".//{name}", "")
    return found


FAMILIES = pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])


@pytest.mark.conformance(29, 31, 58, 81, 83, 94, 101, 102, 103)
@FAMILIES
def test_a_scanner_is_added(cable: Cable, daemon: Daemon, family: socket.AddressFamily) -> None:
    """The XAddr takes Get, the Hosted address it names takes scan operations, all in the family of the question."""
    daemon.start()
    windows = Windows(cable, family)
    match = windows.probe()
    address, xaddr = match.text("wsa:EndpointReference/wsa:Address"), match.text("wsd:XAddrs")
    status, metadata = windows.post(xaddr, wsd_client.get(address))
    assert status == 200
    assert text(metadata, f"{{{WSDP}}}Hosted/{{{WSDP}}}Types") == "wscn:ScannerServiceType"
    hosted = text(metadata, f"{{{WSDP}}}Hosted/{{{wsd_client.WSA}}}EndpointReference/{{{wsd_client.WSA}}}Address")
    assert urlsplit(hosted).netloc == urlsplit(xaddr).netloc
    body = (
        "<wscn:GetScannerElementsRequest><wscn:RequestedElements><wscn:Name>wscn:ScannerStatus</wscn:Name>"
        "</wscn:RequestedElements></wscn:GetScannerElementsRequest>"
    )
    status, elements = windows.post(hosted, wsd_client.envelope(f"{WSCN}/GetScannerElements", body, to=hosted))
    assert status == 200
    assert text(elements, f"{{{WSCN}}}ScannerState") == "Idle"
    daemon.stop()


@pytest.mark.conformance(80, 87, 88, 89, 90)
@FAMILIES
def test_a_scanner_is_added_by_address(cable: Cable, daemon: Daemon, family: socket.AddressFamily) -> None:
    """Directed discovery at the stable path and at the device URL gives the address that was asked."""
    daemon.start()
    windows = Windows(cable, family)
    xaddr = windows.probe().text("wsd:XAddrs")
    root = f"http://{urlsplit(xaddr).netloc}"
    device = f"urn:uuid:{urlsplit(xaddr).path[1:]}"
    for url in (root + STABLE_PATH, xaddr):
        for request in (wsd_client.probe("wscn:ScanDeviceType"), wsd_client.resolve(device)):
            status, found = windows.post(url, request)
            assert (status, text(found, f"{{{wsd_client.WSD}}}XAddrs")) == (200, xaddr)
        status, nothing = windows.post(url, wsd_client.probe("wsdp:Nothing"))
        assert (status, text(nothing, f"{{{wsd_client.WSD}}}XAddrs")) == (200, "")
    daemon.stop()


@pytest.mark.conformance(49, 51, 54, 104, 111)
def test_a_restarted_scanner_is_the_same_one(cable: Cable, daemon: Daemon) -> None:
    """Bye, then Hello with the same endpoint address and metadata, and a greater InstanceId."""
    listener = Client(cable.second, socket.AF_INET).join()
    windows = Windows(cable, socket.AF_INET)
    seen = []
    for _ in range(2):
        daemon.start()
        hello = listener.next(lambda heard: heard.action == "Hello")
        address = hello.text("wsa:EndpointReference/wsa:Address")
        _, metadata = windows.post(hello.text("wsd:XAddrs"), wsd_client.get(address))
        sequence = hello.envelope.find(f".//{{{wsd_client.WSD}}}AppSequence")
        seen.append((address, hello.text("wsd:MetadataVersion"), text(metadata, f"{{{WSDP}}}ServiceId"), sequence))
        daemon.stop()
        bye = listener.next(lambda heard: heard.action == "Bye")
        assert bye.text("wsa:EndpointReference/wsa:Address") == address
        listener.drain()
    (*before, first), (*after, second) = seen
    assert before == after
    assert int(second.get("InstanceId")) > int(first.get("InstanceId"))


@pytest.mark.conformance(93)
def test_an_address_that_comes_late_is_noticed(cable: Cable, daemon: Daemon) -> None:
    """A daemon that starts before its network says Hello as soon as there is one, by itself."""
    cable.first.ip(f"link set {INTERFACE} down")
    daemon.start()
    listener = Client(cable.second, socket.AF_INET).join()
    cable.first.ip(f"link set {INTERFACE} up")
    hello = listener.next(lambda heard: heard.action == "Hello")
    assert hello.source == (cable.first.ipv4, 3702)
    daemon.stop()
