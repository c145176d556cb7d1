"""Links without sockets: what would be sent is remembered with its time."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from bridge.discovery.multicast import Link, LinkKey
from bridge.discovery.netif import Interface

ETH0 = Interface(
    "eth0",
    2,
    ipv4=(IPv4Interface("192.0.2.7/24"),),
    link_local=(IPv6Interface("fe80::7/64"),),
    ipv6=(IPv6Interface("fd99::7/64"),),
)
WLAN0 = Interface("wlan0", 3, ipv4=(IPv4Interface("198.51.100.7/24"),))


@dataclass(frozen=True)
class Sent:
    """One datagram that left."""

    at: float
    link: LinkKey
    data: bytes
    to: tuple[str, int]


class FakePort:
    """A port that remembers; `broken` makes it fail as one does whose interface has gone."""

    def __init__(self, wire: FakeWire, key: LinkKey) -> None:
        self._wire = wire
        self._key = key
        self.broken = False
        self.listening = True

    def write(self, data: bytes, to: tuple[str, int]) -> None:
        assert self.listening, "a closed port cannot send"
        if self.broken:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        self._wire.sent.append(Sent(self._wire.clock.seconds(), self._key, data, to))

    def stopListening(self) -> Deferred[None]:
        self.listening = False
        return succeed(None)


class FakeWire:
    """All ports there are. `refuse` holds the links whose socket cannot be opened."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sent: list[Sent] = []
        self.ports: dict[LinkKey, FakePort] = {}
        self.links: dict[LinkKey, Link] = {}
        self.refuse: set[LinkKey] = set()

    def open(self, key: LinkKey, link: Link) -> FakePort:
        """What a service takes for opening ports."""
        if key in self.refuse:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        port = self.ports[key] = FakePort(self, key)
        self.links[key] = link
        link.makeConnection(port)  # type: ignore[no-untyped-call]
        return port

    def on(self, key: LinkKey) -> list[Sent]:
        """What was sent on one link."""
        return [sent for sent in self.sent if sent.link == key]

    @property
    def listening(self) -> set[LinkKey]:
        """The links whose port is open."""
        return {key for key, port in self.ports.items() if port.listening}
