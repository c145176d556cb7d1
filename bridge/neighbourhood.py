"""Who is near: this machine's interfaces now, and what follows for clients and event sinks (design 4 and 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address, ip_network

from bridge.discovery.netif import Interface, on_link


class Neighbourhood:
    """Answers with the interfaces of the moment of asking.

    `interfaces` gives them; `prefixes` are the further networks that the settings allow. Raises ValueError for a
    prefix that is none.
    """

    def __init__(self, interfaces: Callable[[], Sequence[Interface]], prefixes: Iterable[str] = ()) -> None:
        self.interfaces = interfaces
        self.allow(prefixes)

    def allow(self, prefixes: Iterable[str]) -> None:
        """Let clients of `prefixes` in from now on, and of further networks only those."""
        self._networks = tuple(ip_network(prefix, strict=False) for prefix in prefixes)

    def admits(self, peer: str) -> bool:
        """Whether the client with the address literal `peer` may connect: ourselves, neighbours, allowed networks."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return address.is_loopback or any(address in network for network in self._networks) or self.is_near(peer)

    def is_near(self, address: str) -> bool:
        """Whether `address` is a host on one of our links."""
        return on_link(address, self.interfaces())

    def own_addresses(self) -> list[str]:
        """The literals of all our addresses on those interfaces."""
        return [own for interface in self.interfaces() for own in _addresses(interface)]

    def interface_of(self, own: str) -> str | None:
        """The name of the interface that has the address literal `own`, None when none has it."""
        return next((each.name for each in self.interfaces() if str(ip_address(own)) in _addresses(each)), None)


def _addresses(interface: Interface) -> list[str]:
    """The literals of the addresses of `interface`, without zones."""
    return [str(own.ip) for own in interface.ipv4] + [str(own.ip) for own in (*interface.link_local, *interface.ipv6)]
