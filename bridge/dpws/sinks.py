"""Event sinks: where NotifyTo and EndTo may point, and what a message to them repeats (eventing.md 2.3).

A subscription makes this machine send requests, so it must not reach anything that the client could not reach itself:
only the client and its neighbours, only by http, only by address. Names are never resolved.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from lxml import etree

from bridge.dpws.eventing_faults import invalid_message
from bridge.soap import namespaces as ns
from bridge.soap.addressing import MAX_URI
from bridge.soap.envelope import Element, text_of
from bridge.soap.exchange import Exchange
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag

MAX_PARAMETERS = 16
"""Most reference parameters of one sink."""

MAX_PARAMETER_BYTES = 4096
"""Most bytes of all reference parameters of one sink as XML: they come back with every event."""

METADATA_ADDRESSES = frozenset(ip_address(text) for text in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254"))
"""Where the hosts of virtual machines hand out secrets to whoever asks from inside."""

THIS_NETWORK = ip_network("0.0.0.0/8")
"""Addresses that mean this machine, by the oldest of conventions."""

_URL = re.compile(
    r"http://(?:\[(?P<v6>[0-9a-f.]*:[0-9a-f:.]*)(?:%[!-Z^-~]{1,64})?\]|(?P<host>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>[/?][!\"$-~]*)?",
    re.IGNORECASE,
)
_RESERVED_HEADERS = (ns.WSA, ns.SOAP)

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Sink:
    """Where a client listens.

    `url` is the wsa:Address as it was given, `host` the literal to connect to (with a zone where it needs one),
    `target` the path and query. `parameters` go into the header of every message; copy before use.
    """

    url: str
    host: str
    port: int
    target: str
    parameters: tuple[Element, ...] = ()

    @property
    def netloc(self) -> str:
        """Host and port for the request line's URL: without zone, which means nothing to the other side."""
        host = self.host.partition("%")[0]
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class SinkRules:
    """Says which sinks may be used.

    `on_link` tells whether an address literal is a neighbour's, `own_addresses` are the literals of this machine,
    `interface_of` names the interface that has one of those, for the zone of link-local IPv6 addresses.
    """

    def __init__(
        self,
        on_link: Callable[[str], bool],
        own_addresses: Callable[[], Iterable[str]],
        interface_of: Callable[[str], str | None] = lambda own: None,
    ) -> None:
        self._on_link = on_link
        self._own_addresses = own_addresses
        self._interface_of = interface_of

    def sink(self, reference: Element, exchange: Exchange) -> Sink:
        """The sink in NotifyTo or EndTo.

        Raises SoapFault: InvalidMessage without an address of its own, DestinationUnreachable where events may not go.
        """
        name = ns.local_name(str(reference.tag))
        url = text_of(reference.find(tag(ns.WSA, "Address")))
        if not url or url == ns.ANONYMOUS:
            raise invalid_message(f"{name} needs an address that events can be sent to")
        match = _URL.fullmatch(url) if len(url) <= MAX_URI else None
        if match is None:
            raise SoapFault.destination_unreachable(f"{name} must be a plain http URL of at most {MAX_URI} characters")
        port = int(match["port"] or 80)
        if not 1 <= port <= 65535:
            raise SoapFault.destination_unreachable(f"{name}: there is no port {port}")
        address = _literal(match["v6"] or match["host"])
        if address is None:
            raise SoapFault.destination_unreachable(f"{name} must have an IP address as host; names are not resolved")
        why = self._objection(address, _literal(exchange.peer_host))
        if why is not None:
            raise SoapFault.destination_unreachable(f"{name} {why}")
        path = match["path"] or "/"
        return Sink(
            url,
            self._reachable(address, name, exchange),
            port,
            path if path.startswith("/") else f"/{path}",
            _parameters(reference, name),
        )

    def _objection(self, address: Address, peer: Address | None) -> str | None:
        """What speaks against sending to `address` for the client at `peer`."""
        if address.is_loopback:
            return None if peer is not None and peer.is_loopback else "is a loopback address"
        if address.is_multicast or address.is_unspecified or address.is_reserved or address in THIS_NETWORK:
            return "is no address of a single host"
        if address in METADATA_ADDRESSES:
            return "is not a client's address"
        if address in {_literal(own) for own in self._own_addresses()}:
            return "is an address of this device"
        if address != peer and not self._on_link(str(address)):
            return "is neither the client's own address nor one on its network"
        return None

    def _reachable(self, address: Address, name: str, exchange: Exchange) -> str:
        """The literal to connect to: a link-local IPv6 address is reachable through the client's interface only."""
        if address.version == 4 or not address.is_link_local:
            return str(address)
        zone = exchange.peer_host.partition("%")[2] or self._interface_of(exchange.local_host)
        if not zone:
            raise SoapFault.destination_unreachable(f"{name} is link-local, and its interface is not known")
        return f"{address}%{zone}"


def _literal(text: str) -> Address | None:
    """`text` as an address without zone, an IPv4 one in IPv6 clothes as IPv4; None for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _parameters(reference: Element, name: str) -> tuple[Element, ...]:
    """Reference parameters and properties, copied with all namespaces that are in scope where they stand."""
    blocks = [
        block
        for group in ("ReferenceParameters", "ReferenceProperties")
        for parent in reference.findall(tag(ns.WSA, group))
        for block in parent
    ]
    if len(blocks) > MAX_PARAMETERS:
        raise SoapFault.destination_unreachable(f"{name} has more than {MAX_PARAMETERS} reference parameters")
    copies = tuple(_copy(block) for block in blocks)
    if sum(len(etree.tostring(copy)) for copy in copies) > MAX_PARAMETER_BYTES:
        raise SoapFault.destination_unreachable(
            f"the reference parameters of {name} have more than {MAX_PARAMETER_BYTES} bytes"
        )
    for copy in copies:
        namespace = etree.QName(copy).namespace
        if namespace is None or namespace in _RESERVED_HEADERS:
            raise SoapFault.destination_unreachable(f"{name}: {copy.tag} cannot be a header of its own")
    return copies


def _copy(block: Element) -> Element:
    """A copy that stands alone: prefixes that only text or attribute values use stay declared."""
    in_scope: Any = block.nsmap
    copy = etree.Element(block.tag, nsmap=in_scope)
    copy.attrib.update(block.attrib)
    copy.text = block.text
    copy.extend(deepcopy(child) for child in block)
    return copy
