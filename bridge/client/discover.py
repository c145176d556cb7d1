"""`scanbridge discover`: the WSD scanners on the network, and the search that `scanbridge scan` shares."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from bridge.client.device import Found, find_match
from bridge.client.errors import BadAnswer, NoAnswer, ServiceFault
from bridge.client.http import SoapClient, make_client
from bridge.client.probe import WINDOW_S, Match, Prober, all_interfaces
from bridge.client.run import run
from bridge.errors import NothingFound
from bridge.settings import Settings
from bridge.soap import namespaces as ns
from bridge.system.escape import safe

NOTHING_ANSWERED = """no WSD scanner answered on the network. Check that
  the scanner or its bridge is switched on and in the same network: multicast does not cross routers,
  a firewall on either side lets UDP port 3702 through,
  and try its address directly: scanbridge scan --url http://ADDRESS:8018/"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A device that answered to Probe; `found` is None when it did not tell its scan service."""

    match: Match
    found: Found | None


def discover(settings: Settings, *, as_json: bool) -> int:
    """List what answers; the result is the exit status. Raises NothingFound when nothing does."""
    sightings = run(lambda reactor: _discover(reactor))
    if as_json:
        print(json.dumps([as_dict(sighting) for sighting in sightings], indent=2))
    else:
        for sighting in sightings:
            print(as_line(sighting))
    if not sightings:
        raise NothingFound(NOTHING_ANSWERED)
    return 0


async def sight(client: SoapClient, matches: Sequence[Match]) -> list[Sighting]:
    """Ask every device in `matches` what it is, all at once; by name in the end."""
    asked = [Deferred.fromCoroutine(_sight(client, match)) for match in matches]
    sightings: list[Sighting] = await gatherResults(asked)
    return sorted(sightings, key=lambda one: (one.found.name.lower() if one.found else "", one.match.uuid))


def as_dict(sighting: Sighting) -> dict[str, object]:
    """A sighting for programs."""
    match, found = sighting.match, sighting.found
    return {
        "uuid": match.uuid,
        "name": found.name if found else "",
        "types": [_prefixed(name) for name in match.types],
        "xaddrs": [str(address) for address in match.xaddrs],
        "scan_url": str(found.service) if found else "",
    }


def as_line(sighting: Sighting) -> str:
    """A sighting for people."""
    if sighting.found is None:
        return safe(f"(tells nothing more)  {sighting.match.uuid}  {sighting.match.xaddrs[0]}")
    return safe(f"{sighting.found.name}  {sighting.match.uuid}  {sighting.found.service}")


async def _discover(reactor: Any) -> list[Sighting]:
    matches = await Prober(reactor, all_interfaces()).search(WINDOW_S)
    return await sight(make_client(reactor), matches)


async def _sight(client: SoapClient, match: Match) -> Sighting:
    try:
        return Sighting(match, await find_match(client, match))
    except (NoAnswer, BadAnswer, ServiceFault):
        return Sighting(match, None)


def _prefixed(name: str) -> str:
    """An lxml name with our prefix where there is one, else in full."""
    try:
        return ns.prefixed(name)
    except KeyError:
        return safe(name)
