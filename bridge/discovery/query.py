"""Probe and Resolve as clients send them (discovery-and-metadata.md 4)."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.soap import namespaces as ns
from bridge.soap.envelope import Element, Envelope, qname, text_of
from bridge.soap.faults import SoapFault
from bridge.soap.namespaces import tag

PROBE = f"{ns.WSD}/Probe"
PROBE_MATCHES = f"{ns.WSD}/ProbeMatches"
RESOLVE = f"{ns.WSD}/Resolve"
RESOLVE_MATCHES = f"{ns.WSD}/ResolveMatches"
HELLO = f"{ns.WSD}/Hello"
BYE = f"{ns.WSD}/Bye"


@dataclass(frozen=True, slots=True)
class Probe:
    """Who is there? `types` are lxml names, None for one with an undeclared prefix; `match_by` may be empty."""

    types: tuple[str | None, ...]
    scopes: tuple[str, ...]
    match_by: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """Where is the device with this endpoint address?"""

    address: str


def read_query(envelope: Envelope) -> Probe | Resolve | None:
    """The question in `envelope`; None for another action. Raises SoapFault when action and body disagree."""
    if envelope.action == PROBE:
        return _probe(_body(envelope, "Probe"))
    if envelope.action == RESOLVE:
        return _resolve(_body(envelope, "Resolve"))
    return None


def _body(envelope: Envelope, name: str) -> Element:
    if envelope.body is None or envelope.body.tag != tag(ns.WSD, name):
        raise SoapFault.invalid_header("wsa:Action", f"it goes with a body that is wsd:{name}")
    return envelope.body


def _probe(body: Element) -> Probe:
    types = body.find(tag(ns.WSD, "Types"))
    scopes = body.find(tag(ns.WSD, "Scopes"))
    return Probe(
        types=() if types is None else tuple(qname(types, name) for name in text_of(types).split()),
        scopes=tuple(text_of(scopes).split()),
        match_by="" if scopes is None else (scopes.get("MatchBy") or "").strip(),
    )


def _resolve(body: Element) -> Resolve:
    address = body.find(f"{tag(ns.WSA, 'EndpointReference')}/{tag(ns.WSA, 'Address')}")
    if not text_of(address):
        raise SoapFault.invalid_header("wsa:Action", "it goes with a body that names an endpoint address")
    return Resolve(text_of(address))
