"""The sockets of discovery: one for each interface and family (discovery-and-metadata.md 4.6)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.udp import Port
from twisted.logger import Logger

from bridge.discovery.netif import Interface

PORT = 3702
GROUP_IPV4 = "239.255.255.250"
GROUP_IPV6 = "ff02::c"

MAX_DATAGRAM = 8 * 1024
"""Bytes of the largest datagram that is looked at (design chapter 6)."""

Address = tuple[str, int]
"""Where a datagram comes from or goes to: an address literal, with its zone where it has one, and a port."""

# Linux values that the socket module does not name.
_IP_MULTICAST_ALL = 49
_IPV6_MULTICAST_ALL = 29

log = Logger()


@dataclass(frozen=True, slots=True)
class LinkKey:
    """What a socket is for. A new one is needed when anything of it changes."""

    interface: Interface
    family: socket.AddressFamily

    @property
    def group(self) -> Address:
        """Where everybody on this link listens."""
        if self.family == socket.AF_INET:
            return (GROUP_IPV4, PORT)
        return (f"{GROUP_IPV6}%{self.interface.name}", PORT)

    def __str__(self) -> str:
        return f"{self.interface.name} ({'IPv4' if self.family == socket.AF_INET else 'IPv6'})"


def link_keys(found: Iterable[Interface]) -> list[LinkKey]:
    """The sockets that these interfaces need. IPv6 needs a link-local address, from which multicast is sent."""
    keys = []
    for interface in found:
        if interface.ipv4:
            keys.append(LinkKey(interface, socket.AF_INET))
        if interface.link_local:
            keys.append(LinkKey(interface, socket.AF_INET6))
    return keys


def open_socket(key: LinkKey) -> socket.socket:
    """A socket on port 3702 that hears the group and its own address on one interface, and sends from there.

    The port is shared with other WSD daemons (checklist 92). Raises OSError.
    """
    opened = socket.socket(key.family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Bound to the interface, not to an address: a socket bound to an address hears no multicast. Linux allows
        # it to everybody since 5.7, as long as the socket is not bound to another one.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, key.interface.name.encode() + b"\0")
        if key.family == socket.AF_INET:
            _join_ipv4(opened, key.interface)
        else:
            _join_ipv6(opened, key.interface)
    except BaseException:
        opened.close()
        raise
    return opened


def _join_ipv4(opened: socket.socket, interface: Interface) -> None:
    own = interface.ipv4[0].ip.packed
    opened.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4x4si", own, interface.index))
    opened.bind(("", PORT))
    membership = struct.pack("=4s4si", socket.inet_aton(GROUP_IPV4), own, interface.index)
    opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _join_ipv6(opened: socket.socket, interface: Interface) -> None:
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, interface.index)
    opened.bind(("::", PORT))
    membership = socket.inet_pton(socket.AF_INET6, GROUP_IPV6) + struct.pack("=i", interface.index)
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)


class DatagramPort(Port):
    """Twisted's port, but it reads one datagram, then lets the rest of the bridge have its turn.

    Twisted's own reads 256 KiB at a time: of large datagrams that is a sixth of a second of parsing, and of empty ones
    it reads on for as long as they come.
    """

    @classmethod
    def adopt(cls, reactor: Any, opened: socket.socket, link: Link) -> DatagramPort:
        """A port that listens on a duplicate of the socket `opened`."""
        # One byte more than is taken tells a datagram that was cut off.
        port: DatagramPort = cls._fromListeningDescriptor(  # type: ignore[no-untyped-call]
            reactor, opened.fileno(), opened.family, link, maxPacketSize=MAX_DATAGRAM + 1
        )
        port.startListening()  # type: ignore[no-untyped-call]
        return port

    def doRead(self) -> None:
        """The reactor calls this when a datagram is there."""
        try:
            datagram, source = self.socket.recvfrom(self.maxPacketSize)
        except OSError:
            return  # gone meanwhile, or an error that an earlier answer met on its way: discovery lives with both
        try:
            self.protocol.datagramReceived(datagram, source[:2])
        except Exception:
            log.failure("a datagram from {host} could not be handled", host=source[0])


class Link(DatagramProtocol):
    """Discovery on one interface in one family. What it lets through goes to `heard(link, data, source)`.

    `refused(reason)` hears of what it does not, `stranger(host)` of hosts of other networks.
    """

    noisy = False
    transport: Port | None

    def __init__(
        self,
        key: LinkKey,
        heard: Callable[[Link, bytes, Address], None],
        refused: Callable[[str], None],
        stranger: Callable[[str], None] = lambda host: None,
    ) -> None:
        self.key = key
        self._stranger = stranger
        self._heard = heard
        self._refused = refused

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Let through what is small enough and comes from a neighbour; an answer to others would go astray."""
        if len(datagram) > MAX_DATAGRAM:
            self._refused("too large")
        elif not addr[1] or not self.key.interface.hears(addr[0]):
            self._refused("off link")
            self._stranger(addr[0])
        else:
            self._heard(self, datagram, addr)

    def send(self, data: bytes, destination: Address) -> bool:
        """Send one datagram; False when it could not leave. Discovery lives with lost datagrams."""
        if self.transport is None:
            return False
        try:
            self.transport.write(data, destination)
        except (OSError, MessageLengthError) as error:
            log.debug("nothing sent on {link} to {host}: {error}", link=self.key, host=destination[0], error=error)
            return False
        return True
