"""What becomes of one datagram: read, judged, answered after its delay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from twisted.internet.interfaces import IReactorTime

from bridge.discovery.guard import MAX_DATAGRAM_SENT, AnswerRate, RecentMessages, transmissions
from bridge.discovery.multicast import Address, Link
from bridge.discovery.query import PROBE, RESOLVE
from bridge.discovery.scheduler import APP_MAX_DELAY_S, UNICAST_TRANSMISSIONS, Outgoing, Scheduler
from bridge.discovery.scopes import UnknownMatchingRule
from bridge.discovery.statistics import Seen, Statistics
from bridge.discovery.target import Match, Target
from bridge.soap import namespaces as ns
from bridge.soap.addressing import MAX_URI
from bridge.soap.envelope import Envelope, not_understood, read_envelope
from bridge.soap.faults import SoapFault
from bridge.soap.parser import MalformedXml


class Responder:
    """Answers Probe and Resolve on all links. A question that gets no answer gets silence, never a fault.

    The reason is counted in `statistics.dropped`. `trace` hears each question and each answer once (setting log.wire).
    """

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        target: Target,
        http_port: int,
        statistics: Statistics,
        trace: Callable[[str, bytes], None] = lambda way, message: None,
    ) -> None:
        self._clock = clock
        self._random = random
        self._target = target
        self._http_port = http_port
        self._statistics = statistics
        self._trace = trace
        self._recent = RecentMessages(clock)
        self._rate = AnswerRate(clock)

    def heard(self, link: Link, scheduler: Scheduler, datagram: bytes, source: Address) -> None:
        """Take one datagram from a neighbour on `link`; its answers go out through `scheduler`."""
        if self._rate.spent():
            self._drop("rate")
            return
        envelope = self._read(datagram)
        if envelope is None:
            return
        self._statistics.saw(source[0], Seen(self._clock.seconds(), _name(envelope), link.key.interface.name))
        key = (link.key.interface.index, source[0], envelope.message_id)
        if key in self._recent:
            self._drop("duplicate")
            return
        self._trace(f"{source[0]} -> {link.key}", datagram)
        host = link.key.interface.address_for(source[0])
        matches = self._matches(envelope)
        if not matches or host is None:
            return
        # Who comes first changes, so that where there are more scanners than answers none is always left out.
        self._random.shuffle(matches)
        taken = [match for match in matches if self._rate.take(source[0], match.device.uuid)]
        if len(taken) < len(matches):
            self._drop("rate")
        if not taken:
            return
        self._recent.add(key)
        self._statistics.did_answer(source[0], _name(envelope))
        for match in taken:
            scheduler.schedule(
                match.device.uuid,
                partial(self._write, match, host, len(datagram), f"{source[0]} <- {link.key}"),
                partial(self._send, link, source, match),
                max_delay=0.0 if match.resolve else APP_MAX_DELAY_S,
            )

    def _read(self, datagram: bytes) -> Envelope | None:
        """The envelope of a Probe or Resolve that may be answered; None with the reason counted."""
        try:
            envelope = read_envelope(datagram)
        except (MalformedXml, SoapFault):
            self._drop("malformed")
            return None
        if envelope.action not in (PROBE, RESOLVE):
            self._drop("no query")
        elif not envelope.message_id or len(envelope.message_id) > MAX_URI or not_understood(envelope):
            self._drop("malformed")
        elif envelope.reply_to not in (None, "", ns.ANONYMOUS):
            self._drop("reply elsewhere")
        else:
            return envelope
        return None

    def _matches(self, envelope: Envelope) -> list[Match]:
        try:
            matches = self._target.answers(envelope)
        except SoapFault:
            self._drop("malformed")
            return []
        except UnknownMatchingRule:
            self._drop("unknown rule")
            return []
        if not matches:
            self._drop("no match")
        return matches

    def _write(self, match: Match, host: str, asked: int, way: str) -> Outgoing | None:
        """The answer as it is now; None when the scanner has gone meanwhile or the answer would be too much."""
        device = self._target.device(match.device.uuid)
        if device is None:
            return None
        current = Match(device, match.relates_to, match.resolve)
        data = self._target.message(current, device.xaddr(host, self._http_port))
        times = transmissions(asked, len(data), UNICAST_TRANSMISSIONS)
        if not times or len(data) > MAX_DATAGRAM_SENT:
            self._drop("too small a question" if not times else "too large an answer")
            return None
        self._trace(way, data)
        return Outgoing(data, times)

    def _send(self, link: Link, destination: Address, match: Match, data: bytes) -> None:
        if link.send(data, destination):
            self._statistics.sent["ResolveMatches" if match.resolve else "ProbeMatches"] += 1
        else:
            self._drop("not sent")

    def _drop(self, reason: str) -> None:
        self._statistics.dropped[reason] += 1


def _name(envelope: Envelope) -> str:
    """Probe or Resolve."""
    return (envelope.action or "").rpartition("/")[2]
