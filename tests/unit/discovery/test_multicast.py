"""What a link lets through; real sockets are in tests/interop/test_discovery_netns.py."""

from __future__ import annotations

import socket
from ipaddress import IPv4Interface

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from bridge.discovery.multicast import MAX_DATAGRAM, DatagramPort, Link, LinkKey, link_keys
from bridge.discovery.netif import Interface
from tests.harness import WireClock
from tests.unit.discovery.links import ETH0, WLAN0, FakeWire

IPV4 = LinkKey(ETH0, socket.AF_INET)
IPV6 = LinkKey(ETH0, socket.AF_INET6)


class Ear:
    """Hears what a link lets through and what it refuses."""

    def __init__(self, key: LinkKey) -> None:
        self.heard: list[tuple[bytes, tuple[str, int]]] = []
        self.refused: list[str] = []
        self.link = Link(key, lambda _, data, source: self.heard.append((data, source)), self.refused.append)


def test_each_family_has_its_link() -> None:
    """IPv6 needs a link-local address, since multicast is sent from there."""
    no_link_local = Interface("eth1", 4, ipv6=ETH0.ipv6)
    assert link_keys([ETH0, WLAN0, no_link_local]) == [IPV4, IPV6, LinkKey(WLAN0, socket.AF_INET)]


@pytest.mark.conformance(42, 43)
def test_groups_are_those_of_ws_discovery() -> None:
    """The IPv6 one is bound to its interface."""
    assert IPV4.group == ("239.255.255.250", 3702)
    assert IPV6.group == ("ff02::c%eth0", 3702)


def test_one_datagram_is_read_in_a_turn() -> None:
    """However many are there, empty ones too, the reactor comes back after each of them."""
    ear = Ear(LinkKey(Interface("lo", 1, ipv4=(IPv4Interface("127.0.0.1/8"),), loopback=True), socket.AF_INET))
    clock = WireClock()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened, socket.socket(opened.family, opened.type) as other:
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        port = DatagramPort.adopt(clock, opened, ear.link)
        for data in (b"", b"", b"x"):
            other.sendto(data, opened.getsockname())
        for heard in (1, 2, 3, 3):
            port.doRead()
            assert len(ear.heard) == heard
        assert [data for data, _ in ear.heard] == [b"", b"", b"x"]
        assert clock.readers == {port}
        port.stopListening()
        clock.advance(0)


def test_a_datagram_that_cannot_be_handled_is_the_only_one_lost() -> None:
    """A defect in the handling is logged, and the socket stays open."""

    def heard(_link: Link, data: bytes, _source: tuple[str, int]) -> None:
        if data == b"bad":
            raise RuntimeError
        seen.append(data)

    seen: list[bytes] = []
    key = LinkKey(Interface("lo", 1, ipv4=(IPv4Interface("127.0.0.1/8"),), loopback=True), socket.AF_INET)
    clock = WireClock()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened, socket.socket(opened.family, opened.type) as other:
        opened.setblocking(False)
        opened.bind(("127.0.0.1", 0))
        port = DatagramPort.adopt(clock, opened, Link(key, heard, lambda _: None))
        for data in (b"bad", b"good"):
            other.sendto(data, opened.getsockname())
        with capturedLogs() as logs:
            port.doRead()
            port.doRead()
        assert seen == [b"good"]
        assert [event["log_level"] for event in logs] == [LogLevel.critical]
        port.stopListening()
        clock.advance(0)


@pytest.mark.parametrize(
    ("key", "source"),
    [(IPV4, "192.0.2.99"), (IPV4, "192.0.2.7"), (IPV6, "fe80::99%eth0"), (IPV6, "fd99::99")],
)
def test_neighbours_are_heard(key: LinkKey, source: str) -> None:
    """With the address and port they asked from."""
    ear = Ear(key)
    ear.link.datagramReceived(b"x" * MAX_DATAGRAM, (source, 50000))
    assert ear.heard == [(b"x" * MAX_DATAGRAM, (source, 50000))]
    assert ear.refused == []


@pytest.mark.parametrize(
    ("key", "source"),
    [
        (IPV4, ("203.0.113.1", 50000)),
        (IPV4, ("192.0.2.255", 50000)),
        (IPV4, ("192.0.2.99", 0)),
        (IPV6, ("2001:db8::1", 50000)),
        (IPV6, ("fe80::99%wlan0", 50000)),
    ],
)
def test_strangers_are_not_heard(key: LinkKey, source: tuple[str, int]) -> None:
    """An answer to a forged address would hit somebody who never asked."""
    ear = Ear(key)
    ear.link.datagramReceived(b"x", source)
    assert (ear.heard, ear.refused) == ([], ["off link"])


@pytest.mark.conformance(91)
def test_a_large_datagram_is_dropped_before_anybody_reads_it() -> None:
    """No question needs more than 8 KiB."""
    ear = Ear(IPV4)
    ear.link.datagramReceived(b"x" * (MAX_DATAGRAM + 1), ("192.0.2.99", 50000))
    assert (ear.heard, ear.refused) == ([], ["too large"])


def test_a_datagram_that_cannot_leave_is_no_error() -> None:
    """An interface may go down between two repeats."""
    wire = FakeWire(Clock())
    link = Ear(IPV4).link
    assert not link.send(b"x", ("192.0.2.99", 50000))
    port = wire.open(IPV4, link)
    assert link.send(b"x", ("192.0.2.99", 50000))
    port.broken = True
    assert not link.send(b"y", ("192.0.2.99", 50000))
    assert [sent.data for sent in wire.sent] == [b"x"]
