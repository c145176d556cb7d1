"""URLs of devices, with what IPv6 link-local addresses need: the interface that they hold on.

On the wire such an address has no zone (discovery-and-metadata.md 4.4); in this client it has one, in the form of
RFC 6874: http://[fe80::1%25eth0]:8018/.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL = 2048
"""Longest URL in characters (DPWS MAX_URI_SIZE)."""


@dataclass(frozen=True, slots=True)
class Address:
    """An http URL taken apart; `host` has neither brackets nor zone, `zone` is empty where there is none."""

    host: str
    zone: str
    port: int
    path: str

    @property
    def is_ipv6(self) -> bool:
        """Whether the host is an IPv6 address literal."""
        return ":" in self.host

    @property
    def host_header(self) -> str:
        """The HTTP header Host."""
        host = f"[{self.host}]" if self.is_ipv6 else self.host
        return host if self.port == 80 else f"{host}:{self.port}"

    def __str__(self) -> str:
        zone = f"%25{self.zone}" if self.zone else ""
        host = f"[{self.host}{zone}]" if self.is_ipv6 else self.host
        port = "" if self.port == 80 else f":{self.port}"
        return f"http://{host}{port}{self.path}"

    @property
    def wire(self) -> str:
        """The URL as the device knows it, without the zone."""
        return str(Address(self.host, "", self.port, self.path))

    def on(self, zone: str) -> Address:
        """The same address on the interface `zone`, which means something to link-local addresses only."""
        if not self.is_ipv6 or self.zone or not ipaddress.IPv6Address(self.host).is_link_local:
            return self
        return Address(self.host, zone, self.port, self.path)


def read_address(url: str) -> Address:
    """The address that `url` names. Raises ValueError, with words for a person, for what is no http URL."""
    url = url.strip()
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("not a URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from error
    if parts.scheme.lower() != "http":
        raise ValueError("not an http URL")
    if not host or "@" in parts.netloc:
        raise ValueError("not a URL with a host")
    host, zone = _without_zone(host)
    path = parts.path or "/"
    return Address(host, zone, 80 if port is None else port, f"{path}?{parts.query}" if parts.query else path)


def _without_zone(host: str) -> tuple[str, str]:
    """A host without its zone, and the zone; both spellings of the percent sign are taken."""
    if ":" not in host:
        return host, ""
    literal, _, zone = host.replace("%25", "%").partition("%")
    try:
        return str(ipaddress.IPv6Address(literal)), zone
    except ValueError as error:
        raise ValueError(f"not an IPv6 address: {literal}") from error
