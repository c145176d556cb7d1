"""The search for scanners by multicast, on a reactor without a network."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock

from bridge.client.probe import (
    GROUP_IPV4,
    GROUP_IPV6,
    MAX_MATCHES,
    MAX_XADDRS,
    PORT,
    REPEAT_S,
    RESOLVE_S,
    WINDOW_S,
    Match,
    Prober,
    all_interfaces,
)
from bridge.soap import namespaces as ns
from bridge.soap.envelope import read_envelope
from bridge.soap.namespaces import tag
from tests.deferreds import no_result, success_result_of

URN = "urn:uuid:6ee029c9-363d-54e6-aef2-2f2376afd91c"
SCANNER = "wsdp:Device wscn:ScanDeviceType"
V4 = "http://192.0.2.7:8018/dev"
V6 = "http://[fe80::1]:8018/dev"


class FakePort:
    """One UDP socket: what it was told, and what it sent."""

    def __init__(self, udp: FakeUdp, protocol: Any, interface: str) -> None:
        self.options: list[tuple[int, int, object]] = []
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.open = True
        self.protocol = protocol
        self.interface = interface
        self._udp = udp
        protocol.makeConnection(self)

    def getHandle(self) -> FakePort:
        """The socket itself."""
        return self

    def setsockopt(self, level: int, option: int, value: object) -> None:
        """A socket option."""
        self.options.append((level, option, value))

    def write(self, data: bytes, address: tuple[str, int]) -> None:
        """Send one datagram."""
        if self._udp.silent:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        self.sent.append((data, address))

    def stopListening(self) -> None:
        """Close it."""
        self.open = False


class FakeUdp(Clock):
    """Clock and UDP of a reactor."""

    def __init__(self, *, ipv6: bool = True) -> None:
        super().__init__()
        self.ports: list[FakePort] = []
        self.silent = False
        self._ipv6 = ipv6

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> FakePort:
        """A new socket."""
        assert port == 0
        if interface == "::" and not self._ipv6:
            raise CannotListenError(interface, port, OSError(errno.EAFNOSUPPORT, ""))
        opened = FakePort(self, protocol, interface)
        self.ports.append(opened)
        return opened


class Network:
    """A search on `interfaces`, and devices that answer it."""

    def __init__(self, *interfaces: tuple[int, str], ipv6: bool = True) -> None:
        self.udp = FakeUdp(ipv6=ipv6)
        self.prober = Prober(self.udp, interfaces or ((2, "eth0"),))

    def search(self, **times: float) -> Deferred[list[Match]]:
        """Begin."""
        return self.prober.search(**times)

    def sent(self, port: int = 0) -> list[Any]:
        """The envelopes that went out of a socket."""
        return [read_envelope(data) for data, _ in self.udp.ports[port].sent]

    def hear(self, data: bytes, port: int = 0) -> None:
        """A datagram arrives on a socket."""
        self.udp.ports[port].protocol.datagramReceived(data, ("192.0.2.7", PORT))

    def answer(self, *matches: str, kind: str = "Probe", relates_to: str | None = None, port: int = 0) -> None:
        """A device answers the last question of this kind."""
        asked = [one for one in self.sent(port) if one.action == f"{ns.WSD}/{kind}"]
        self.hear(matches_message(*matches, kind=kind, relates_to=relates_to or asked[-1].message_id), port)


def matches_message(*matches: str, kind: str = "Probe", relates_to: str) -> bytes:
    """ProbeMatches or ResolveMatches as any device may send them."""
    spaces = {"e": ns.SOAP, "wsa": ns.WSA, "wsd": ns.WSD, "wsdp": ns.WSDP, "wscn": ns.WSCN}
    declared = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    header = f"<wsa:Action>{ns.WSD}/{kind}Matches</wsa:Action><wsa:RelatesTo>{relates_to}</wsa:RelatesTo>"
    body = f"<wsd:{kind}Matches>{''.join(matches)}</wsd:{kind}Matches>"
    return f"<e:Envelope {declared}><e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>".encode()


def match(endpoint: str = URN, types: str = SCANNER, xaddrs: str = V4, kind: str = "Probe") -> str:
    """One device in an answer."""
    reference = f"<wsa:EndpointReference><wsa:Address>{endpoint}</wsa:Address></wsa:EndpointReference>"
    where = f"<wsd:XAddrs>{xaddrs}</wsd:XAddrs>" if xaddrs else ""
    return f"<wsd:{kind}Match>{reference}<wsd:Types>{types}</wsd:Types>{where}</wsd:{kind}Match>"


def addresses(found: Sequence[Match]) -> list[list[str]]:
    """The XAddrs of each match."""
    return [[str(address) for address in one.xaddrs] for one in found]


def test_who_is_asked() -> None:
    """Scanners are asked for on every interface, by IPv4 and IPv6, through that interface."""
    network = Network((1, "lo"), (2, "eth0"))
    network.search()

    lo4, lo6, eth4, eth6 = network.udp.ports
    assert [port.interface for port in network.udp.ports] == ["0.0.0.0", "::"] * 2
    mreqn = struct.pack("4s4si", socket.inet_aton(GROUP_IPV4), b"\0\0\0\0", 1)
    assert lo4.options == [(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mreqn)]
    assert eth6.options == [(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, 2)]
    assert [port.sent[0][1] for port in (lo4, lo6, eth4, eth6)] == [(GROUP_IPV4, PORT), (GROUP_IPV6, PORT)] * 2
    (probe,) = network.sent()
    assert (probe.action, probe.to) == (f"{ns.WSD}/Probe", ns.DISCOVERY_TO)
    assert probe.body.findtext(tag(ns.WSD, "Types")) == "wscn:ScanDeviceType"


def test_asked_twice() -> None:
    """The same datagram goes out once more: UDP loses some."""
    network = Network()
    network.search()
    network.udp.advance(REPEAT_S)

    first, second = network.udp.ports[0].sent
    assert first == second
    network.udp.advance(0.9)
    assert len(network.udp.ports[0].sent) == 2


def test_what_answers() -> None:
    """A scanner that answers is found with its types and address, when the time is over."""
    network = Network()
    found = network.search()
    network.answer(match())
    network.udp.advance(WINDOW_S - 0.1)
    no_result(found)

    network.udp.advance(0.1)

    (one,) = success_result_of(found)
    assert one.endpoint == URN
    assert one.uuid == URN.removeprefix("urn:uuid:")
    assert one.types == (tag(ns.WSDP, "Device"), tag(ns.WSCN, "ScanDeviceType"))
    assert addresses([one]) == [[V4]]


def test_nobody_answers() -> None:
    """Silence is an empty result; nothing is left open."""
    network = Network()
    found = network.search()

    network.udp.advance(WINDOW_S)

    assert success_result_of(found) == []
    assert not any(port.open for port in network.udp.ports)
    assert network.udp.getDelayedCalls() == []


def test_the_first_is_enough() -> None:
    """With a settling time the search ends soon after the first scanner, and still hears the others."""
    network = Network()
    found = network.search(window=10, settle=1)
    network.udp.advance(0.5)
    network.answer(match())
    network.udp.advance(0.9)
    network.answer(match("urn:uuid:2"))
    no_result(found)

    network.udp.advance(0.1)

    assert len(success_result_of(found)) == 2


def test_one_device_on_several_interfaces() -> None:
    """Addresses of one device are put together, IPv4 first, each IPv6 link-local one with its interface."""
    network = Network((2, "eth0"), (3, "wlan0"))
    found = network.search()
    for port, xaddrs in ((1, V6), (3, V6), (2, "http://192.0.2.9:8018/dev"), (0, f"{V4} {V4}")):
        network.answer(match(xaddrs=xaddrs), port=port)
    network.answer(match(URN.upper().replace("URN:UUID", "urn:uuid"), xaddrs=V4))
    network.udp.advance(WINDOW_S)

    assert addresses(success_result_of(found)) == [
        [
            "http://192.0.2.9:8018/dev",
            V4,
            "http://[fe80::1%25eth0]:8018/dev",
            "http://[fe80::1%25wlan0]:8018/dev",
        ]
    ]


def test_addresses_are_asked_for() -> None:
    """A device that tells no address is asked for it, and its answer counts."""
    network = Network()
    found = network.search()
    network.answer(match(xaddrs=""))
    resolve = network.sent()[-1]
    assert resolve.action == f"{ns.WSD}/Resolve"
    assert resolve.body.findtext(f".//{tag(ns.WSA, 'Address')}") == URN

    network.answer(match(kind="Resolve"), kind="Resolve")
    network.udp.advance(WINDOW_S)

    assert addresses(success_result_of(found)) == [[V4]]


def test_a_late_address() -> None:
    """An address that was asked for is waited for a little longer; without one the device cannot be used."""
    network = Network()
    found = network.search()
    network.answer(match(xaddrs=""), match("urn:uuid:2", xaddrs=""))
    network.udp.advance(WINDOW_S)
    no_result(found)
    network.hear(
        matches_message(
            match(kind="Resolve"), kind="Resolve", relates_to=next(iter(_asked(network, "Resolve", URN))).message_id
        )
    )

    network.udp.advance(RESOLVE_S)

    assert addresses(success_result_of(found)) == [[V4]]


def _asked(network: Network, kind: str, endpoint: str) -> list[Any]:
    return [one for one in network.sent() if one.action.endswith(kind) and endpoint in "".join(one.body.itertext())]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"<a/>",
        matches_message(match(), relates_to="urn:uuid:00000000-0000-4000-8000-000000000000"),
    ],
    ids=["empty", "no XML", "no SOAP", "another's answer"],
)
def test_what_is_no_answer(data: bytes) -> None:
    """What answers no question of ours is passed over."""
    network = Network()
    found = network.search()

    network.hear(data)
    network.udp.advance(WINDOW_S)

    assert success_result_of(found) == []


@given(st.binary(max_size=200))
def test_any_datagram(data: bytes) -> None:
    """Whatever arrives on the socket, the search goes on."""
    network = Network()
    network.search()

    network.hear(data)

    assert network.udp.ports[0].open


def test_the_wrong_kind_of_answer() -> None:
    """ResolveMatches do not answer a Probe."""
    network = Network()
    found = network.search()

    network.hear(matches_message(match(kind="Resolve"), kind="Resolve", relates_to=network.sent()[0].message_id))
    network.udp.advance(WINDOW_S)

    assert success_result_of(found) == []


def test_only_scanners() -> None:
    """A device that answers and is no scanner is left out."""
    network = Network()
    found = network.search()

    network.answer(match(types="wsdp:Device"))
    network.udp.advance(WINDOW_S)

    assert success_result_of(found) == []


def test_how_much_is_remembered() -> None:
    """Devices and addresses are remembered up to a limit."""
    network = Network()
    found = network.search()
    for number in range(MAX_MATCHES + 5):
        network.answer(match(f"urn:uuid:{number}"))
    for number in range(MAX_XADDRS + 5):
        network.answer(match("urn:uuid:0", xaddrs=f"http://192.0.2.{number}/"))
    network.udp.advance(WINDOW_S)

    matches = success_result_of(found)
    assert len(matches) == MAX_MATCHES
    assert len(matches[0].xaddrs) == MAX_XADDRS


def test_interfaces_that_cannot() -> None:
    """An interface that is down, and a machine without IPv6, leave the others alone."""
    network = Network((1, "lo"), (2, "eth0"), ipv6=False)
    network.udp.silent = True
    found = network.search()
    network.udp.advance(WINDOW_S)

    assert len(network.udp.ports) == 2
    assert success_result_of(found) == []


def test_a_search_that_is_stopped() -> None:
    """Being stopped closes everything."""
    network = Network()
    found = network.search()
    found.addErrback(lambda _failure: None)

    found.cancel()

    assert not any(port.open for port in network.udp.ports)
    assert network.udp.getDelayedCalls() == []


def test_the_loopback_interface_counts() -> None:
    """The interfaces of this machine include its loopback."""
    assert "lo" in [name for _, name in all_interfaces()]
