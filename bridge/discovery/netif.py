"""The interfaces that scanners are shown on, their addresses, and who is on link; the one importer of netifaces."""

from __future__ import annotations

import fcntl
import re
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address
from pathlib import Path
from typing import TypeVar

import netifaces

T = TypeVar("T")

IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_POINTOPOINT = 0x10
IFF_RUNNING = 0x40
IFF_MULTICAST = 0x1000
ARPHRD_ETHER = 1

IFA_F_TEMPORARY = 0x01
IFA_F_OPTIMISTIC = 0x04
IFA_F_DADFAILED = 0x08
IFA_F_DEPRECATED = 0x20
IFA_F_TENTATIVE = 0x40

_SIOCGIFFLAGS = 0x8913
_SIOCGIFHWADDR = 0x8927

_CONTAINERS = re.compile(
    r"(docker|podman|cni|lxcbr|lxdbr|incusbr|flannel|cali|weave|kube|nodelocaldns)[-.\w]*|br-[0-9a-f]{12}"
)
"""Interfaces that container software makes. A bridge with another name is somebody's LAN."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface and its addresses with their networks, the one to advertise first.

    Equal as long as nothing that discovery depends on has changed. IPv6 addresses are split because a link-local one
    is valid for a link-local peer only.
    """

    name: str
    index: int
    ipv4: tuple[IPv4Interface, ...] = ()
    link_local: tuple[IPv6Interface, ...] = ()
    ipv6: tuple[IPv6Interface, ...] = ()
    loopback: bool = False

    def holds(self, address: str) -> bool:
        """Whether `address` (a literal, a zone allowed) is that of a neighbour on this interface, or our own."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        if isinstance(peer, IPv6Address):
            if peer.ipv4_mapped is not None:
                return any(_is_host(peer.ipv4_mapped, own) for own in self.ipv4)
            if peer.is_link_local:
                return bool(self.link_local) and peer.scope_id in (None, self.name, str(self.index))
            return any(IPv6Address(int(peer)) in own.network for own in self.ipv6)
        return any(_is_host(peer, own) for own in self.ipv4)

    def hears(self, source: str) -> bool:
        """Whether what comes in here from `source` comes from a neighbour.

        On loopback everything is this machine's own, and Linux gives it any of the machine's addresses.
        """
        return self.loopback or self.holds(source)

    def address_for(self, peer: str) -> str | None:
        """The literal of our address that is valid where `peer` is, without a zone (checklist 80, 82, 83)."""
        try:
            towards = ip_address(peer)
        except ValueError:
            return None
        if not isinstance(towards, IPv6Address):
            near4 = [own for own in self.ipv4 if self.loopback or towards in own.network]
            return str(max(near4, key=lambda own: own.network.prefixlen).ip) if near4 else None
        if towards.is_link_local:
            return self.hello_address(socket.AF_INET6) if self.link_local else None
        near6 = [own for own in self.ipv6 if IPv6Address(int(towards)) in own.network]
        return str(max(near6, key=lambda own: own.network.prefixlen).ip) if near6 else None

    def hello_address(self, family: socket.AddressFamily) -> str | None:
        """The literal of the address that goes into a Hello of this family, None when there is none of it."""
        own = self.ipv4 if family == socket.AF_INET else self.link_local
        return str(own[0].ip) if own else None


class Kernel:
    """What the operating system tells about interfaces, as it is at the moment of asking.

    Every method gives an empty answer for an interface that has just gone.
    """

    def names(self) -> list[str]:
        """The names of all interfaces."""
        return list(netifaces.interfaces())

    def index(self, name: str) -> int:
        """The interface's number, 0 when it has gone."""
        try:
            return socket.if_nametoindex(name)
        except OSError:
            return 0

    def flags(self, name: str) -> int:
        """The IFF_ bits."""
        return self._ioctl(_SIOCGIFFLAGS, name)

    def hardware(self, name: str) -> int:
        """The kind of link, an ARPHRD_ number."""
        return self._ioctl(_SIOCGIFHWADDR, name)

    def is_port_or_tap(self, name: str) -> bool:
        """Whether it is part of a bridge or bond, which has the addresses that count, or made by a program."""
        folder = Path("/sys/class/net") / name
        return (folder / "master").exists() or (folder / "tun_flags").exists()

    def addresses(self, name: str) -> Mapping[int, Sequence[Mapping[str, str]]]:
        """What netifaces says: family to list of `addr` and `netmask`."""
        try:
            found: Mapping[int, Sequence[Mapping[str, str]]] = netifaces.ifaddresses(name)
        except (ValueError, OSError):
            return {}
        return found

    def ipv6_flags(self) -> dict[tuple[str, IPv6Address], int]:
        """The IFA_F_ bits of every IPv6 address; netifaces does not tell that one is not usable yet."""
        try:
            lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
        except OSError:
            return {}
        rows = [line.split() for line in lines]
        return {(row[5], IPv6Address(int(row[0], 16))): int(row[4], 16) for row in rows if len(row) == 6}

    def _ioctl(self, request: int, name: str) -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                answer = fcntl.ioctl(probe, request, struct.pack("16s16x", name.encode()[:15]))
            except OSError:
                return 0
        number: int = struct.unpack_from("16xH", answer)[0]
        return number


def interfaces(names: Sequence[str], ipv6: bool, kernel: Kernel | None = None) -> list[Interface]:
    """The interfaces to show scanners on, in the order of their index; those without an address are left out.

    `names` empty: every one that is up, has a carrier and can multicast, but loopback, tunnels, ports of a bridge and
    what container software makes. Otherwise those named, when they are up. Without `ipv6` no IPv6 address is told.
    """
    kernel = kernel or Kernel()
    unusable = kernel.ipv6_flags() if ipv6 else {}
    chosen = [name for name in kernel.names() if (_is_named(name, names, kernel) if names else _is_lan(name, kernel))]
    found = [_interface(name, ipv6, kernel, unusable) for name in dict.fromkeys(chosen)]
    usable = [interface for interface in found if interface.index and (interface.ipv4 or interface.link_local)]
    return sorted(usable, key=lambda interface: interface.index)


def own_addresses(kernel: Kernel | None = None) -> set[str]:
    """The literals of all addresses of this machine, whatever the interface and its state, without zones."""
    kernel = kernel or Kernel()
    found = set()
    for name in kernel.names():
        addresses = kernel.addresses(name)
        for entry in (*addresses.get(socket.AF_INET, ()), *addresses.get(socket.AF_INET6, ())):
            found.add(entry.get("addr", "").partition("%")[0])
    return found


def on_link(address: str, found: Sequence[Interface]) -> bool:
    """Whether `address` (a literal, a zone allowed) is a neighbour on one of the interfaces `found`, or ourselves."""
    return any(interface.holds(address) for interface in found)


def _is_named(name: str, names: Sequence[str], kernel: Kernel) -> bool:
    return name in names and _has(kernel.flags(name), IFF_UP | IFF_RUNNING)


def _is_lan(name: str, kernel: Kernel) -> bool:
    flags = kernel.flags(name)
    return (
        _has(flags, IFF_UP | IFF_RUNNING | IFF_MULTICAST)
        and not flags & (IFF_LOOPBACK | IFF_POINTOPOINT)
        and kernel.hardware(name) == ARPHRD_ETHER
        and not _CONTAINERS.fullmatch(name)
        and not kernel.is_port_or_tap(name)
    )


def _is_host(peer: IPv4Address, own: IPv4Interface) -> bool:
    """Whether `peer` can be one host of our network: an answer to its broadcast address would go to all of them."""
    network = own.network
    edges = (network.network_address, network.broadcast_address) if network.prefixlen < 31 else ()
    return peer in network and peer not in edges


def _has(flags: int, wanted: int) -> bool:
    return flags & wanted == wanted


def _interface(
    name: str, ipv6: bool, kernel: Kernel, unusable: Mapping[tuple[str, IPv6Address], int]
) -> Interface:
    addresses = kernel.addresses(name)
    ipv4 = _parsed(addresses.get(socket.AF_INET, ()), _ipv4)
    all_ipv6 = _parsed(addresses.get(socket.AF_INET6, ()), _ipv6) if ipv6 else []
    flags = {own: unusable.get((name, own.ip), 0) for own in all_ipv6}
    ready = sorted((own for own in all_ipv6 if _is_ready(flags[own])), key=lambda own: _reluctance(flags[own]))
    return Interface(
        name=name,
        index=kernel.index(name),
        # A self-assigned 169.254 address beside a real one is the one that nobody else has.
        ipv4=tuple(sorted(ipv4, key=lambda own: own.ip.is_link_local)),
        link_local=tuple(own for own in ready if own.ip.is_link_local),
        ipv6=tuple(own for own in ready if not own.ip.is_link_local),
        loopback=_has(kernel.flags(name), IFF_LOOPBACK),
    )


def _is_ready(flags: int) -> bool:
    """Whether duplicate address detection is over (or not waited for) and has found no duplicate."""
    waiting = flags & IFA_F_TENTATIVE and not flags & IFA_F_OPTIMISTIC
    return not waiting and not flags & IFA_F_DADFAILED


def _reluctance(flags: int) -> int:
    """Order of advertising: lasting addresses, then those that change for privacy, then those that run out."""
    return (2 if flags & IFA_F_DEPRECATED else 0) + (1 if flags & IFA_F_TEMPORARY else 0)


def _parsed(entries: Sequence[Mapping[str, str]], parse: Callable[[Mapping[str, str]], T]) -> list[T]:
    """What `parse` makes of each entry, each once; entries that are no address with a netmask are left out."""
    found: dict[T, None] = {}
    for entry in entries:
        try:
            found[parse(entry)] = None
        except (KeyError, ValueError):
            continue
    return list(found)


def _ipv4(entry: Mapping[str, str]) -> IPv4Interface:
    return IPv4Interface(f"{entry['addr']}/{entry['netmask']}")


def _ipv6(entry: Mapping[str, str]) -> IPv6Interface:
    """netifaces writes the zone behind the address, and the prefix, by its version, as a mask or behind one."""
    address = entry["addr"].partition("%")[0]
    mask, _, length = entry["netmask"].partition("/")
    return IPv6Interface(f"{address}/{length or int(IPv6Address(mask)).bit_count()}")
