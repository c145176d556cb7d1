"""Finds WSD scanners by multicast: Probe, and Resolve where the address is missing (discovery-and-metadata.md 4).

One socket for each interface and family, the loopback interface too: an answer then tells which interface it came in
on, which IPv6 link-local addresses mean nothing without.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IReactorTime, IReactorUDP, IUDPTransport
from twisted.internet.protocol import DatagramProtocol

from bridge.client.address import Address, read_address
from bridge.soap import namespaces as ns
from bridge.soap.envelope import (
    WSA_E,
    WSD_E,
    Element,
    Envelope,
    new_message_id,
    qname,
    read_envelope,
    text_of,
    write_envelope,
)
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag
from bridge.soap.parser import MalformedXml

PORT = 3702
GROUP_IPV4 = "239.255.255.250"
GROUP_IPV6 = "ff02::c"

SCANNER_TYPE = tag(ns.WSCN, "ScanDeviceType")
REPEAT_S = 0.2
"""When a message is sent once more, in seconds after the first time (UDP loses datagrams)."""

WINDOW_S = 3.0
"""How long answers are waited for, in seconds; Windows takes none after 4 s."""

RESOLVE_S = 1.0
"""How long an answer to a Resolve is waited for beyond the window, in seconds."""

MAX_MATCHES = 256
"""Most devices that are remembered."""

MAX_XADDRS = 16
"""Most addresses of one device."""


@dataclass(frozen=True, slots=True)
class Match:
    """A device that answered: its endpoint address, its types (lxml names) and where it takes messages."""

    endpoint: str
    types: tuple[str, ...]
    xaddrs: tuple[Address, ...]

    @property
    def uuid(self) -> str:
        """The endpoint address without urn:uuid:."""
        return self.endpoint.lower().removeprefix("urn:uuid:")


class ProbeSocket(DatagramProtocol):
    """One interface and family; `heard` is told each datagram and the interface's name."""

    def __init__(self, index: int, name: str, group: str, heard: Callable[[bytes, str], None]) -> None:
        self._index = index
        self._name = name
        self._group = group
        self._heard = heard

    def startProtocol(self) -> None:
        """Send through this interface; a scope of one hop is the system's default for multicast."""
        handle: socket.socket = cast(Any, self.transport).getHandle()
        if ":" in self._group:
            handle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self._index)
        else:
            # struct ip_mreqn names the interface by its index, whatever addresses it has.
            mreqn = struct.pack("4s4si", socket.inet_aton(self._group), bytes(4), self._index)
            handle.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, mreqn)

    def send(self, message: bytes) -> None:
        """Send to the group; an interface that is down or has no address of this family stays silent."""
        try:
            cast(IUDPTransport, self.transport).write(message, (self._group, PORT))
        except OSError:
            pass

    def datagramReceived(self, data: bytes, addr: tuple[str, int]) -> None:
        """An answer, perhaps."""
        self._heard(data, self._name)


class Prober:
    """One search on the `interfaces`, given as (index, name).

    `reactor` needs clock and UDP. The result of `search` are the scanners, each once.
    """

    def __init__(self, reactor: Any, interfaces: Sequence[tuple[int, str]]) -> None:
        self._clock: IReactorTime = reactor
        self._udp: IReactorUDP = reactor
        self._interfaces = interfaces
        self._sockets: list[ProbeSocket] = []
        self._ports: list[IListeningPort] = []
        self._asked: dict[str, str] = {}
        self._matches: dict[str, Match] = {}
        self._timers: list[IDelayedCall] = []
        self._settle: float | None = None
        self._found: Deferred[list[Match]] = Deferred(lambda _deferred: self._close())

    def search(self, window: float = WINDOW_S, settle: float | None = None) -> Deferred[list[Match]]:
        """Ask, and collect the answers of `window` seconds.

        With `settle` the search ends so many seconds after the first scanner was found. Never fails.
        """
        self._settle = settle
        for index, name in self._interfaces:
            self._open(index, name, "0.0.0.0", GROUP_IPV4)
            self._open(index, name, "::", GROUP_IPV6)
        self._ask("Probe", WSD_E.Probe(WSD_E.Types("wscn:ScanDeviceType")))
        self._later(window, self._last_call)
        return self._found

    def _open(self, index: int, name: str, any_address: str, group: str) -> None:
        one = ProbeSocket(index, name, group, self._datagram)
        try:
            self._ports.append(self._udp.listenUDP(0, one, any_address, 65536))
        except (CannotListenError, OSError):
            return  # no IPv6 on this machine, or the interface has gone
        self._sockets.append(one)

    def _ask(self, kind: str, body: Element) -> None:
        message_id = new_message_id()
        self._asked[message_id] = kind
        message = write_envelope(f"{ns.WSD}/{kind}", body, to=ns.DISCOVERY_TO, message_id=message_id)
        for one in self._sockets:
            one.send(message)
            self._later(REPEAT_S, one.send, message)

    def _datagram(self, data: bytes, interface: str) -> None:
        """Note what answers a question of ours; everything else on the port is none of our business."""
        try:
            envelope = read_envelope(data)
        except (MalformedXml, SoapFault):
            return
        kind = self._asked.get(envelope.relates_to or "")
        if kind is None or envelope.action != f"{ns.WSD}/{kind}Matches" or envelope.body is None:
            return
        for match in read_matches(envelope, kind):
            self._note(match, interface)

    def _note(self, match: Match, interface: str) -> None:
        if SCANNER_TYPE not in match.types or (match.uuid not in self._matches and len(self._matches) >= MAX_MATCHES):
            return
        here = tuple(address.on(interface) for address in match.xaddrs)
        known = self._matches.get(match.uuid, replace(match, xaddrs=()))
        merged = tuple(dict.fromkeys((*known.xaddrs, *here)))[:MAX_XADDRS]
        if match.uuid not in self._matches:
            if not merged:
                endpoint = WSA_E.EndpointReference(WSA_E.Address(match.endpoint))
                self._ask("Resolve", WSD_E.Resolve(endpoint))
            if self._settle is not None:
                self._later(self._settle, self._last_call)
        # Every machine can reach IPv4 where there is any; a stable sort keeps the order of the answers else.
        self._matches[match.uuid] = replace(known, xaddrs=tuple(sorted(merged, key=lambda one: one.is_ipv6)))

    def _last_call(self) -> None:
        """The time is over, but for addresses that were asked for and may be on their way."""
        if all(match.xaddrs for match in self._matches.values()):
            self._finish()
        else:
            self._later(RESOLVE_S, self._finish)

    def _finish(self) -> None:
        if not self._found.called:
            self._close()
            self._found.callback([match for match in self._matches.values() if match.xaddrs])

    def _later(self, delay: float, call: Callable[..., None], *arguments: object) -> None:
        self._timers.append(self._clock.callLater(delay, call, *arguments))

    def _close(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        for port in self._ports:
            port.stopListening()
        self._timers, self._ports, self._sockets = [], [], []


def read_matches(envelope: Envelope, kind: str) -> list[Match]:
    """The devices in a ProbeMatches or ResolveMatches; `kind` is Probe or Resolve.

    Addresses that are none are left out.
    """
    if envelope.body is None or envelope.body.tag != tag(ns.WSD, f"{kind}Matches"):
        return []
    matches = []
    for element in envelope.body.iterfind(tag(ns.WSD, f"{kind}Match")):
        endpoint = text_of(element.find(f"{tag(ns.WSA, 'EndpointReference')}/{tag(ns.WSA, 'Address')}"))
        types = element.find(tag(ns.WSD, "Types"))
        names = [] if types is None else [qname(types, word) for word in text_of(types).split()]
        if endpoint:
            xaddrs = _addresses(text_of(element.find(tag(ns.WSD, "XAddrs"))))
            matches.append(Match(endpoint, tuple(name for name in names if name), xaddrs))
    return matches


def all_interfaces() -> list[tuple[int, str]]:
    """Index and name of every interface of this machine."""
    return socket.if_nameindex()


def _addresses(text: str) -> tuple[Address, ...]:
    found = []
    for url in text.split()[:MAX_XADDRS]:
        try:
            found.append(read_address(url))
        except ValueError:
            continue
    return tuple(found)
