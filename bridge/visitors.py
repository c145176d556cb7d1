"""Which computers came, and how far each got: the stage at which a Windows PC stopped is the diagnosis.

The stages are those of docs/windows-field-trial.md. Memory is bounded; only clients that the network let in are kept,
the others as a few addresses, because "the PC is in another network" is a diagnosis too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

MAX_VISITORS = 64
"""Clients remembered; the one not heard of for longest is forgotten, those that only searched first."""

MAX_STRANGERS = 16
"""Addresses from other networks remembered, the newest. The source of a datagram can be forged."""

MAX_AGENT = 80
"""Characters kept of what a client calls itself."""

WINDOWS_AGENT = "WSDAPI"
"""What every Windows calls itself when it talks to a device (windows-client.md 1.2)."""

ANSWERED = "answered"
"""What `looked` is told when a Probe or Resolve got an answer."""


class Stage(str, Enum):
    """How far a client got, in the order in which Windows goes."""

    SEARCH = "search"
    FOUND = "found"
    METADATA = "metadata"
    SESSION = "session"
    SUBSCRIBED = "subscribed"
    TICKET = "ticket"
    JOB = "job"
    IMAGE = "image"


ORDER = tuple(Stage)

_ACTIONS = {
    "Get": Stage.METADATA,
    "GetScannerElements": Stage.SESSION,
    "Subscribe": Stage.SUBSCRIBED,
    "ValidateScanTicket": Stage.TICKET,
    "CreateScanJob": Stage.JOB,
    "RetrieveImage": Stage.IMAGE,
}
"""What a client asks over HTTP, by the last word of the action."""

MEANINGS: Mapping[Stage, tuple[str, str]] = {
    Stage.SEARCH: (
        "it searched, but for something else than a scanner",
        "Windows searches for many things all day. In Windows choose Add device and wait ten seconds.",
    ),
    Stage.FOUND: (
        "it searched and was answered, but never came to ask what was found",
        "The answer, or the connection after it, does not get through. Open the status page in the PC's browser. If "
        "nothing comes, a firewall on this machine keeps TCP out; if it opens, set the PC's network to private.",
    ),
    Stage.METADATA: (
        "it read the description, and installed no driver",
        "In Windows the scanner should be listed under Add device: click it. If it stays without a driver, remove it "
        "there and add it again; if that does not help, try the setting interop.host_section = true.",
    ),
    Stage.SESSION: (
        "its driver opened the scanner, and it listens for no events",
        "It can scan: open Windows Scan or Windows Fax and Scan. If these do not show the scanner, restart the PC.",
    ),
    Stage.SUBSCRIBED: (
        "it is set up and listens for scans from here",
        "All is ready: open Windows Scan or Windows Fax and Scan on the PC and scan, or use Scan to a computer.",
    ),
    Stage.TICKET: (
        "a program on it has asked what the scanner can do, and ordered no scan yet",
        "Press Scan in that program.",
    ),
    Stage.JOB: (
        "it ordered a scan and did not come for the image",
        "See the job below for the reason. If this happens each time, set jobs.retrieve_timeout_s to 300.",
    ),
    Stage.IMAGE: ("it fetched an image", "All works."),
}
"""What it means that a client got so far and no further, and what to do."""


@dataclass
class _Visitor:
    """One client: `at` and `counts` by stage, and the last request that was refused."""

    agent: str = ""
    at: dict[Stage, datetime] = field(default_factory=dict)
    counts: dict[Stage, int] = field(default_factory=dict)
    refused: tuple[datetime, str, int] | None = None


class Visitors:
    """Remembers clients by their address literals; `now` tells UTC."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._visitors: OrderedDict[str, _Visitor] = OrderedDict()
        self._strangers: OrderedDict[str, tuple[datetime, str]] = OrderedDict()

    def looked(self, client: str, action: str) -> None:
        """A neighbour sent Probe or Resolve, or got an answer to one (ANSWERED)."""
        self._reached(client, Stage.FOUND if action == ANSWERED else Stage.SEARCH)

    def asked(self, client: str, agent: str, action: str, status: int) -> None:
        """A client's request over HTTP was answered with `status`; `action` is its whole action, `agent` its name."""
        word = action.rpartition("/")[2]
        stage = _ACTIONS.get(word)
        if stage is None and status < 400:
            return
        visitor = self._visitor(client)
        if agent:
            visitor.agent = "".join(each for each in agent[:MAX_AGENT] if each.isprintable())
        if status < 400 and stage is not None:
            self._reached(client, stage)
        elif word != "RetrieveImage":
            # That refusal is how the end of a stack is told.
            visitor.refused = (self._now(), word[:MAX_AGENT] or "a request", status)

    def turned_away(self, client: str, way: str) -> None:
        """A client of another network tried, by `way` (search or connection)."""
        self._strangers[client] = (self._now(), way)
        self._strangers.move_to_end(client)
        while len(self._strangers) > MAX_STRANGERS:
            self._strangers.popitem(last=False)

    def overview(self) -> list[dict[str, Any]]:
        """All clients, the one heard of last at the end, as the status tells them."""
        return [_shown(client, visitor) for client, visitor in self._visitors.items() if visitor.at or visitor.refused]

    def strangers(self) -> list[dict[str, str]]:
        """Addresses from other networks, newest last."""
        return [{"client": client, "at": _time(at), "way": way} for client, (at, way) in self._strangers.items()]

    def _visitor(self, client: str) -> _Visitor:
        visitor = self._visitors.setdefault(client, _Visitor())
        self._visitors.move_to_end(client)
        while len(self._visitors) > MAX_VISITORS:
            # The source of a search can be forged, that of a connection cannot: no flood drives out who has connected.
            others = [each for each in self._visitors if each != client]
            del self._visitors[next((each for each in others if self._only_searched(each)), others[0])]
        return visitor

    def _only_searched(self, client: str) -> bool:
        visitor = self._visitors[client]
        return not visitor.agent and visitor.refused is None and set(visitor.at) <= {Stage.SEARCH, Stage.FOUND}

    def _reached(self, client: str, stage: Stage) -> None:
        visitor = self._visitor(client)
        visitor.at[stage] = self._now()
        visitor.counts[stage] = visitor.counts.get(stage, 0) + 1


def furthest(stages: Mapping[Stage, datetime]) -> Stage:
    """The last stage that a client reached, in Windows' order."""
    return max(stages, key=ORDER.index, default=Stage.SEARCH)


def _shown(client: str, visitor: _Visitor) -> dict[str, Any]:
    stage = furthest(visitor.at)
    meaning, advice = MEANINGS[stage]
    refused = visitor.refused
    return {
        "client": client,
        "agent": visitor.agent,
        "windows": visitor.agent.startswith(WINDOWS_AGENT),
        "stage": stage.value,
        "meaning": meaning,
        "advice": advice,
        "stages": {
            each.value: {"at": _time(visitor.at[each]), "count": visitor.counts[each]}
            for each in ORDER
            if each in visitor.at
        },
        "refused": None
        if refused is None
        else {"at": _time(refused[0]), "action": refused[1], "http_status": refused[2]},
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
