"""Which interfaces scanners are shown on, and who is a neighbour."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Address, IPv6Interface

import pytest

from bridge.discovery import netif
from bridge.discovery.netif import ARPHRD_ETHER, Interface, Kernel, interfaces, on_link, own_addresses

UP = netif.IFF_UP | netif.IFF_RUNNING | netif.IFF_MULTICAST


@dataclass
class Card:
    """An interface as the kernel knows it."""

    ipv4: Sequence[tuple[str, str]] = (("192.0.2.7", "255.255.255.0"),)
    ipv6: Sequence[tuple[str, str]] = ()
    flags: int = UP
    hardware: int = ARPHRD_ETHER
    port_or_tap: bool = False
    ipv6_flags: Mapping[str, int] = field(default_factory=dict)


class FakeKernel(Kernel):
    """A kernel with the interfaces it is given."""

    def __init__(self, **cards: Card) -> None:
        self.cards = {name.replace("_", "-"): card for name, card in cards.items()}

    def names(self) -> list[str]:
        return list(self.cards)

    def index(self, name: str) -> int:
        return list(self.cards).index(name) + 1

    def flags(self, name: str) -> int:
        return self.cards[name].flags

    def hardware(self, name: str) -> int:
        return self.cards[name].hardware

    def is_port_or_tap(self, name: str) -> bool:
        return self.cards[name].port_or_tap

    def addresses(self, name: str) -> Mapping[int, Sequence[Mapping[str, str]]]:
        def entries(pairs: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
            return [{"addr": address, "netmask": mask} for address, mask in pairs]

        card = self.cards[name]
        return {socket.AF_INET: entries(card.ipv4), socket.AF_INET6: entries(card.ipv6)}

    def ipv6_flags(self) -> dict[tuple[str, IPv6Address], int]:
        return {
            (name, IPv6Address(address)): flags
            for name, card in self.cards.items()
            for address, flags in card.ipv6_flags.items()
        }


def names(kernel: Kernel, *wanted: str) -> list[str]:
    return [interface.name for interface in interfaces(wanted, True, kernel)]


@pytest.mark.parametrize("name", ["eth0", "wlan0", "end0", "enxb827eb000000", "br0", "br-lan", "vlan.7", "veth1"])
def test_a_lan_is_served(name: str) -> None:
    """Every interface that is up and can multicast, a bridge that somebody made by hand as well."""
    kernel = FakeKernel()
    kernel.cards[name] = Card()
    assert names(kernel) == [name]


@pytest.mark.parametrize(
    "name", ["docker0", "br-0123456789ab", "docker_gwbridge", "podman1", "cni0", "cni-podman0", "lxcbr0", "flannel.1"]
)
def test_container_networks_are_not_served(name: str) -> None:
    """Nobody there adds a scanner, and its address is of no use elsewhere."""
    kernel = FakeKernel()
    kernel.cards[name] = Card()
    assert names(kernel) == []


@pytest.mark.parametrize(
    "card",
    [
        Card(flags=UP & ~netif.IFF_UP),
        Card(flags=UP & ~netif.IFF_RUNNING),
        Card(flags=UP & ~netif.IFF_MULTICAST),
        Card(flags=UP | netif.IFF_LOOPBACK),
        Card(flags=UP | netif.IFF_POINTOPOINT),
        Card(hardware=65534),
        Card(port_or_tap=True),
        Card(ipv4=()),
    ],
    ids=["down", "no carrier", "no multicast", "loopback", "ppp", "tun or wireguard", "bridge port or tap", "bare"],
)
def test_what_is_no_lan_is_not_served(card: Card) -> None:
    """Each of these reasons alone is enough."""
    assert names(FakeKernel(eth0=card)) == []


def test_only_named_interfaces_are_served_when_any_is_named() -> None:
    """The settings choose, and may choose what would not be chosen: loopback, a container's bridge."""
    loopback = Card(ipv4=[("127.0.0.1", "255.0.0.0")], flags=netif.IFF_UP | netif.IFF_RUNNING | netif.IFF_LOOPBACK)
    kernel = FakeKernel(lo=loopback, eth0=Card(), docker0=Card())
    assert names(kernel) == ["eth0"]
    assert names(kernel, "lo") == ["lo"]
    assert names(kernel, "docker0", "lo", "lo") == ["lo", "docker0"]
    assert names(kernel, "eth7") == []


def test_a_named_interface_that_is_down_is_not_served() -> None:
    """It is served as soon as it is up."""
    assert names(FakeKernel(eth0=Card(flags=0)), "eth0") == []


@pytest.mark.parametrize("mask", ["ffff:ffff:ffff:ffff::/64", "ffff:ffff:ffff:ffff::"])
def test_addresses_come_with_their_networks(mask: str) -> None:
    """netifaces writes the zone behind a link-local address, and the prefix in one of two ways."""
    kernel = FakeKernel(eth0=Card(ipv6=[("fe80::1%eth0", mask), ("fd99::1", mask)]))
    assert interfaces([], True, kernel) == [
        Interface(
            "eth0",
            1,
            ipv4=(IPv4Interface("192.0.2.7/24"),),
            link_local=(IPv6Interface("fe80::1/64"),),
            ipv6=(IPv6Interface("fd99::1/64"),),
        )
    ]


def test_without_ipv6_no_such_address_is_told() -> None:
    """The setting turns it off everywhere."""
    kernel = FakeKernel(eth0=Card(ipv6=[("fe80::1", "ffff:ffff:ffff:ffff::")]))
    (interface,) = interfaces([], False, kernel)
    assert interface.link_local == interface.ipv6 == ()


def test_an_address_that_cannot_be_used_yet_is_left_out() -> None:
    """Nothing can be sent from an address before duplicate detection is over, or when it found one."""
    mask = "ffff:ffff:ffff:ffff::"
    card = Card(
        ipv6=[("fe80::1", mask), ("fd99::1", mask), ("fd99::2", mask)],
        ipv6_flags={
            "fe80::1": netif.IFA_F_TENTATIVE,
            "fd99::1": netif.IFA_F_DADFAILED,
            "fd99::2": netif.IFA_F_TENTATIVE | netif.IFA_F_OPTIMISTIC,
        },
    )
    (interface,) = interfaces([], True, FakeKernel(eth0=card))
    assert interface.link_local == ()
    assert interface.ipv6 == (IPv6Interface("fd99::2/64"),)


def test_lasting_addresses_come_first() -> None:
    """An address that runs out soon is the last to be advertised."""
    mask = "ffff:ffff:ffff:ffff::"
    card = Card(
        ipv4=[("169.254.3.3", "255.255.0.0"), ("192.0.2.7", "255.255.255.0")],
        ipv6=[("fd99::3", mask), ("fd99::2", mask), ("fd99::1", mask)],
        ipv6_flags={"fd99::3": netif.IFA_F_DEPRECATED, "fd99::2": netif.IFA_F_TEMPORARY, "fd99::1": 0},
    )
    (interface,) = interfaces([], True, FakeKernel(eth0=card))
    assert [str(own.ip) for own in interface.ipv4] == ["192.0.2.7", "169.254.3.3"]
    assert [str(own.ip) for own in interface.ipv6] == ["fd99::1", "fd99::2", "fd99::3"]


def test_entries_that_are_no_address_are_left_out() -> None:
    """What netifaces cannot tell is not guessed."""
    card = Card(ipv4=[("no address", "255.0.0.0"), ("192.0.2.7", "255.255.255.0"), ("192.0.2.7", "255.255.255.0")])
    (interface,) = interfaces([], True, FakeKernel(eth0=card))
    assert interface.ipv4 == (IPv4Interface("192.0.2.7/24"),)


def test_this_machine_can_be_looked_at() -> None:
    """The real kernel gives loopback with its address when it is named."""
    (interface,) = interfaces(["lo"], True)
    assert (interface.name, interface.index, interface.loopback) == ("lo", socket.if_nametoindex("lo"), True)
    assert IPv4Interface("127.0.0.1/8") in interface.ipv4


def test_an_interface_that_has_gone_is_nothing() -> None:
    """Between listing and asking it may disappear."""
    kernel = Kernel()
    answers = (kernel.index("gone0"), kernel.flags("gone0"), kernel.hardware("gone0"), kernel.addresses("gone0"))
    assert answers == (0, 0, 0, {})


ETH0 = Interface(
    "eth0",
    2,
    ipv4=(IPv4Interface("192.0.2.7/24"), IPv4Interface("192.0.2.200/28"), IPv4Interface("10.0.0.1/31")),
    link_local=(IPv6Interface("fe80::7/64"),),
    ipv6=(IPv6Interface("fd99::7/64"), IPv6Interface("fd99::1:7/112")),
)


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("192.0.2.99", True),
        ("192.0.2.7", True),
        ("::ffff:192.0.2.99", True),
        ("10.0.0.0", True),
        ("fe80::99", True),
        ("fe80::99%eth0", True),
        ("fe80::99%2", True),
        ("fd99::99", True),
        ("192.0.3.1", False),
        ("192.0.2.0", False),
        ("192.0.2.255", False),
        ("::ffff:192.0.3.1", False),
        ("::ffff:192.0.2.255", False),
        ("fe80::99%wlan0", False),
        ("fd98::1", False),
        ("2001:db8::1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("0.0.0.0", False),
        ("scanbridge", False),
        ("", False),
    ],
)
def test_neighbours_are_told_from_strangers(address: str, near: bool) -> None:
    """On link is who has an address of one of our networks; a broadcast address is nobody."""
    assert on_link(address, [ETH0]) is near


def test_without_link_local_address_nobody_is_near_by_one() -> None:
    """An IPv4-only interface has no link-local neighbours."""
    assert not on_link("fe80::99", [Interface("eth0", 2, ipv4=ETH0.ipv4)])


@pytest.mark.conformance(80, 83)
@pytest.mark.parametrize(
    ("peer", "own"),
    [
        ("192.0.2.99", "192.0.2.7"),
        ("192.0.2.201", "192.0.2.200"),
        ("10.0.0.0", "10.0.0.1"),
        ("fe80::99%eth0", "fe80::7"),
        ("fd99::99", "fd99::7"),
        ("fd99::1:99", "fd99::1:7"),
        ("198.51.100.1", None),
        ("2001:db8::1", None),
        ("nobody", None),
    ],
)
def test_a_peer_gets_the_address_of_its_own_network(peer: str, own: str | None) -> None:
    """IPv4 for IPv4, link-local for link-local, the narrowest network first, and never a zone."""
    assert ETH0.address_for(peer) == own


def test_on_loopback_everything_is_near() -> None:
    """Linux may send there from any address of the machine; for others such an address is still no neighbour."""
    lo = Interface("lo", 1, ipv4=(IPv4Interface("127.0.0.1/8"),), loopback=True)
    assert lo.hears("10.99.0.1")
    assert lo.address_for("10.99.0.1") == lo.address_for("127.0.0.5") == "127.0.0.1"
    assert not lo.holds("10.99.0.1")
    assert not on_link("10.99.0.1", [lo])
    assert not ETH0.hears("10.99.0.1")


def test_a_hello_names_the_address_of_the_link() -> None:
    """It is multicast, so it goes to link-local neighbours."""
    assert ETH0.hello_address(socket.AF_INET) == "192.0.2.7"
    assert ETH0.hello_address(socket.AF_INET6) == "fe80::7"
    assert Interface("eth0", 2).hello_address(socket.AF_INET) is None


def test_our_own_addresses_are_those_of_every_interface() -> None:
    """Also of those that scanners are not shown on, and of one that is down; without zones."""
    down = Card(ipv4=[("192.0.2.9", "255.255.255.0")], ipv6=[("fe80::9%eth1", "ffff:ffff:ffff:ffff::/64")], flags=0)
    kernel = FakeKernel(eth0=Card(), eth1=down, docker0=Card(ipv4=[("172.17.0.1", "255.255.0.0")]))
    assert own_addresses(kernel) == {"192.0.2.7", "192.0.2.9", "fe80::9", "172.17.0.1"}
