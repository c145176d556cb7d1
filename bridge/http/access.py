"""Which clients may come: those on our own networks, and those that the settings allow (design 5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import Protocol


class OnLink(Protocol):
    """An interface as far as access needs it."""

    def holds(self, address: str) -> bool:
        """Whether `address` is a host on its link."""


class Access:
    """Answers `allowed` for each new connection.

    `interfaces` gives the interfaces as they are now; `prefixes` are those of the settings. Raises ValueError for a
    prefix that is none.
    """

    def __init__(self, interfaces: Callable[[], Sequence[OnLink]], prefixes: Iterable[str] = ()) -> None:
        self._interfaces = interfaces
        self.allow(prefixes)

    def allow(self, prefixes: Iterable[str]) -> None:
        """Let clients of `prefixes` in from now on, and only those beside on-link ones."""
        self._networks = tuple(ip_network(prefix, strict=False) for prefix in prefixes)

    def allowed(self, peer: str) -> bool:
        """Whether the client with the address literal `peer` may connect."""
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if address.is_loopback or any(address in network for network in self._networks):
            return True
        return any(interface.holds(peer) for interface in self._interfaces())
