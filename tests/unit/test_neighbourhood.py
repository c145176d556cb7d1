"""Who may connect, and where events may go: this machine's own networks and those that the settings allow."""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv6Interface

import pytest

from bridge.discovery.netif import Interface
from bridge.neighbourhood import Neighbourhood

LAN = Interface(
    "lan0",
    2,
    ipv4=(IPv4Interface("192.0.2.7/24"),),
    link_local=(IPv6Interface("fe80::7/64"),),
    ipv6=(IPv6Interface("2001:db8::7/64"),),
)


def near(*prefixes: str) -> Neighbourhood:
    return Neighbourhood(lambda: [LAN], prefixes)


@pytest.mark.parametrize("peer", ["192.0.2.9", "fe80::9", "2001:db8::9", "127.0.0.1", "::1", "127.8.8.8"])
def test_neighbours_and_this_machine_may_come(peer: str) -> None:
    """Hosts on our links, of either family, and programs of this machine are admitted."""
    assert near().admits(peer)


@pytest.mark.parametrize("peer", ["198.51.100.1", "2001:db8:1::1", "", "localhost", "192.0.2", "0.0.0.0"])
def test_others_may_not(peer: str) -> None:
    """Hosts behind a router, and what is no address at all, are not admitted."""
    assert not near().admits(peer)


def test_the_settings_let_further_networks_in() -> None:
    """A prefix of the settings admits its hosts and no others, until it is taken back."""
    neighbourhood = near("198.51.100.0/25", "2001:db8:1::/64")
    assert neighbourhood.admits("198.51.100.1")
    assert neighbourhood.admits("2001:db8:1::1")
    assert not neighbourhood.admits("198.51.100.200")
    neighbourhood.allow([])
    assert not neighbourhood.admits("198.51.100.1")


def test_interfaces_are_asked_each_time() -> None:
    """An address that comes or goes counts at once."""
    interfaces = [LAN]
    neighbourhood = Neighbourhood(lambda: interfaces)
    assert neighbourhood.is_near("192.0.2.9")
    interfaces.clear()
    assert not neighbourhood.is_near("192.0.2.9")


def test_own_addresses_have_their_interface() -> None:
    """All our addresses are listed, and each names its interface; others name none."""
    neighbourhood = near()
    assert neighbourhood.own_addresses() == ["192.0.2.7", "fe80::7", "2001:db8::7"]
    assert {neighbourhood.interface_of(own) for own in neighbourhood.own_addresses()} == {"lan0"}
    assert neighbourhood.interface_of("192.0.2.9") is None
