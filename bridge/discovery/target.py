"""The Target Service: from a Probe or Resolve to its matches, and the Hello and Bye that nobody asked for.

Pure: messages in, messages out, no socket and no clock (discovery-and-metadata.md 4). One Target stands for all
scanners; each is a device of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bridge.discovery.query import (
    BYE,
    HELLO,
    PROBE,
    PROBE_MATCHES,
    RESOLVE,
    RESOLVE_MATCHES,
    Probe,
    Resolve,
    read_query,
)
from bridge.discovery.scopes import RULES, UnknownMatchingRule, scopes_match
from bridge.discovery.sequence import AppSequence
from bridge.dpws.metadata import DEVICE_TYPES
from bridge.soap import namespaces as ns
from bridge.soap.envelope import WSA_E, WSD_E, Element, Envelope, write_envelope
from bridge.soap.exchange import AnyReply, Exchange, Operation, Reply
from bridge.soap.faults import SENDER, SoapFault
from bridge.soap.namespaces import tag

OUR_TYPES = frozenset({tag(ns.WSDP, "Device"), tag(ns.WSCN, "ScanDeviceType")})
"""`DEVICE_TYPES` as lxml names, to compare with."""

DATAGRAM_PREFIXES = {prefix: ns.PREFIXES[prefix] for prefix in ("soap", "wsa", "wsd", "wsdp", "wscn")}
"""What the messages of this module use: with all the others a datagram would not fit (checklist 85)."""

MAX_MATCHES = 48
"""Most matches in one HTTP answer: it must stay an envelope of at most 32767 bytes (checklist 38)."""


@dataclass(frozen=True, slots=True)
class TargetDevice:
    """A scanner as discovery knows it. `path` is that of its device URL; `uuid` is lower case."""

    uuid: str
    path: str
    metadata_version: int

    @property
    def address(self) -> str:
        """The endpoint address (checklist 50)."""
        return f"urn:uuid:{self.uuid}"

    def xaddr(self, host: str, port: int) -> str:
        """The device's URL at one of our addresses, an IPv6 literal in brackets and without zone (checklist 82)."""
        return Exchange(local_host=host.partition("%")[0], local_port=port, peer_host="", path="").url(self.path)


@dataclass(frozen=True, slots=True)
class Match:
    """That `device` is one answer to the query `relates_to`; `resolve` tells ResolveMatches from ProbeMatches."""

    device: TargetDevice
    relates_to: str
    resolve: bool


class Target:
    """All the scanners of this machine, as a client's Probe sees them.

    `scopes` are the URIs that all of them are in. Without `hello_xaddrs` a Hello names no address, so that a client
    has to resolve (design "Open questions about Windows").
    """

    def __init__(self, sequence: AppSequence, *, scopes: Iterable[str] = (), hello_xaddrs: bool = True) -> None:
        self.sequence = sequence
        self.scopes = tuple(scopes)
        self.hello_xaddrs = hello_xaddrs
        self._devices: dict[str, TargetDevice] = {}

    @property
    def devices(self) -> tuple[TargetDevice, ...]:
        """The devices that answer."""
        return tuple(self._devices.values())

    def device(self, uuid: str) -> TargetDevice | None:
        """The device with this UUID as it is now, None when it is not there any more."""
        return self._devices.get(uuid)

    def put(self, device: TargetDevice) -> None:
        """Answer for `device`; one with the same UUID is replaced."""
        self._devices[device.uuid] = device

    def drop(self, uuid: str) -> None:
        """Answer for this device no more."""
        self._devices.pop(uuid, None)

    def matches(self, query: Probe | Resolve, only: str | None = None) -> list[TargetDevice]:
        """The devices that `query` asks for; of them that with the UUID `only`, when it is given.

        Raises UnknownMatchingRule.
        """
        asked = [device for device in self._devices.values() if only in (None, device.uuid)]
        if isinstance(query, Resolve):
            return [device for device in asked if device.address == query.address.lower()]
        if not scopes_match(query.match_by, query.scopes, self.scopes) or not OUR_TYPES.issuperset(query.types):
            return []
        return asked

    def answers(self, request: Envelope) -> list[Match]:
        """What to answer to a datagram: nothing at all, or one message for each device (checklist 58 to 63, 77).

        Raises SoapFault and UnknownMatchingRule, which are not for the wire: over UDP silence is the answer.
        """
        query = read_query(request)
        if query is None or not request.message_id:
            return []
        return [Match(device, request.message_id, isinstance(query, Resolve)) for device in self.matches(query)]

    def hello(self, device: TargetDevice, xaddr: str) -> bytes:
        """A Hello for `device`, reachable at `xaddr` (checklist 45 to 48)."""
        body = WSD_E.Hello(*self._description(device, xaddr if self.hello_xaddrs else None))
        return self._announcement(HELLO, body)

    def bye(self, device: TargetDevice) -> bytes:
        """A Bye for `device` (checklist 49)."""
        return self._announcement(BYE, WSD_E.Bye(_reference(device)))

    def message(self, match: Match, xaddr: str) -> bytes:
        """The datagram that tells `match`, reachable at `xaddr`. Takes a message number, so call it when sending."""
        reply = self._reply(match.resolve, [(match.device, xaddr)])
        return write_envelope(
            reply.action,
            reply.body,
            relates_to=match.relates_to,
            headers=reply.headers,
            prefixes=DATAGRAM_PREFIXES,
        )

    def operation(self, action: str, only: str | None = None) -> Operation | None:
        """Directed discovery: what answers Probe and Resolve over HTTP, for all devices or the one with UUID `only`.

        Zero matches are an answer there (checklist 87 to 90).
        """
        if action not in (PROBE, RESOLVE):
            return None

        async def answer(envelope: Envelope, exchange: Exchange) -> AnyReply:
            return self._directed(envelope, exchange, only)

        return answer

    def _directed(self, envelope: Envelope, exchange: Exchange, only: str | None) -> Reply:
        query = read_query(envelope)
        assert query is not None  # `operation` knows no other action
        try:
            found = self.matches(query, only)[:MAX_MATCHES]
        except UnknownMatchingRule:
            raise _matching_rule_not_supported() from None
        pairs = [(device, device.xaddr(exchange.local_host, exchange.local_port)) for device in found]
        return self._reply(isinstance(query, Resolve), pairs)

    def _reply(self, resolve: bool, found: Iterable[tuple[TargetDevice, str]]) -> Reply:
        kind = "Resolve" if resolve else "Probe"
        body = WSD_E(f"{kind}Matches")
        for device, xaddr in found:
            body.append(WSD_E(f"{kind}Match", *self._description(device, xaddr)))
        action = RESOLVE_MATCHES if resolve else PROBE_MATCHES
        return Reply(action, body, headers=(self.sequence.next_header(),))

    def _description(self, device: TargetDevice, xaddr: str | None) -> list[Element]:
        """The children that Hello and the matches have in common, in schema order."""
        return [
            _reference(device),
            WSD_E.Types(DEVICE_TYPES),
            *([WSD_E.Scopes(" ".join(self.scopes))] if self.scopes else []),
            *([WSD_E.XAddrs(xaddr)] if xaddr else []),
            WSD_E.MetadataVersion(str(device.metadata_version)),
        ]

    def _announcement(self, action: str, body: Element) -> bytes:
        header = self.sequence.next_header()
        return write_envelope(action, body, to=ns.DISCOVERY_TO, headers=(header,), prefixes=DATAGRAM_PREFIXES)


def _reference(device: TargetDevice) -> Element:
    reference: Element = WSA_E.EndpointReference(WSA_E.Address(device.address))
    return reference


def _matching_rule_not_supported() -> SoapFault:
    """The fault for a MatchBy that we do not know, naming those that we do (checklist 67)."""
    return SoapFault(
        SENDER,
        tag(ns.WSD, "MatchingRuleNotSupported"),
        "the matching rule is not known here",
        detail=WSD_E.SupportedMatchingRules(" ".join(RULES)),
        action=ns.DISCOVERY_FAULT,
    )
