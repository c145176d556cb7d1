"""The live self-test: searches as Windows does, compares who answers, and scans a small page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.client.device import Found, find_match
from bridge.client.discover import sight
from bridge.client.errors import BadAnswer, NoAnswer, ServiceFault
from bridge.client.http import make_client
from bridge.client.job import ScanService
from bridge.client.probe import Match, Prober, all_interfaces
from bridge.client.ticket import choose, ticket_element
from bridge.client.wishes import Wishes, read_wishes
from bridge.discovery import netif
from bridge.doctor.finding import Finding, broken, ok, warning
from bridge.doctor.patient import Patient
from bridge.errors import BridgeError

SEARCH_S = 2.0
"""How long answers are waited for; the bridge answers within half a second."""


async def search(reactor: Any, patient: Patient) -> list[Match]:
    """Whoever answers a Probe on the interfaces that the bridge uses."""
    used = {one["name"] for one in (patient.status or {}).get("interfaces") or []}
    if not used:
        settings = patient.settings.network
        used = {one.name for one in netif.interfaces(settings.interfaces, settings.ipv6)}
    chosen = [(index, name) for index, name in all_interfaces() if name in used]
    found: list[Match] = await Prober(reactor, chosen).search(SEARCH_S) if chosen else []
    return found


def answered(matches: list[Match], patient: Patient) -> Iterator[Finding]:
    """Whether our own scanners answer to a search by multicast."""
    heard = {match.uuid for match in matches}
    for one in patient.scanners:
        if one["uuid"] in heard:
            yield ok("discovery", f"a search by multicast finds {one['name']}")
        else:
            yield broken(
                "discovery",
                f"a search by multicast does not find {one['name']}",
                "multicast does not work here: see the lines about network, ports and firewall above; if they are "
                "well, send the bundle (--bundle)",
            )


async def twins(reactor: Any, matches: list[Match], patient: Patient) -> list[Finding]:
    """Whether another machine shows a scanner under the identity of one of ours."""
    ours = {one["uuid"]: one["name"] for one in patient.scanners}
    own = {
        address.partition("/")[0].partition("%")[0]
        for each in (patient.status or {}).get("interfaces") or []
        for address in each.get("addresses") or []
    } | {"127.0.0.1", "::1"}
    findings = []
    for match in matches:
        others = sorted({str(each.host).partition("%")[0] for each in match.xaddrs} - own)
        if match.uuid in ours and others:
            findings.append(
                broken(
                    "identity",
                    f"{ours[match.uuid]} is shown by another machine, too, with the same identity: {', '.join(others)}",
                    "the state was copied, as with a cloned card: stop the bridge on one of the two, delete its state "
                    "directory (/var/lib/scanbridge) and its /etc/machine-id, restart it, and add its scanner anew",
                )
            )
    strangers = [match for match in matches if match.uuid not in ours]
    for sighting in await sight(make_client(reactor), strangers):
        name = sighting.found.name if sighting.found else sighting.match.uuid
        findings.append(ok("discovery", f"another scanner is here too: {name}"))
    return findings


async def scan(reactor: Any, matches: list[Match], patient: Patient) -> list[Finding]:
    """A small page from each idle scanner, as a WSD client gets it; thrown away."""
    client = make_client(reactor)
    findings = []
    for one in patient.scanners:
        match = next((match for match in matches if match.uuid == one["uuid"]), None)
        if match is None:
            continue
        if one.get("state") == "Processing":
            findings.append(ok("scan", f"{one['name']} is scanning just now, so it is left in peace"))
            continue
        try:
            size = await _scan(client, await find_match(client, match))
        except (BridgeError, NoAnswer, BadAnswer, ServiceFault) as error:
            findings.append(
                broken(
                    "scan",
                    f"{one['name']} was found, and a small scan failed: {error}",
                    "the scanner or its driver is at fault: mend what the message says, then try scanbridge scan",
                )
            )
        else:
            findings.append(ok("scan", f"a small page of {one['name']} came through the network: {size} bytes"))
    return findings


async def _scan(client: Any, found: Found) -> int:
    """The bytes of one image in the lowest resolution. Raises what the client raises."""
    service = ScanService(client, found.service)
    description = await service.describe()
    able = description.capabilities
    source = able.sources[0] if able.sources else None
    lowest = min(able.of(source).resolutions) if source is not None else None
    ticket = choose(_wishes(lowest), able)
    job = await service.create(ticket_element(ticket, "Self-test", "scanbridge doctor"))
    size = 0

    def begin(_expected: int) -> Any:
        def received(data: bytes) -> None:
            nonlocal size
            size += len(data)

        return received

    try:
        await service.retrieve(job, "self-test", begin)
    except BaseException:
        try:
            await service.cancel(job.id)
        except (NoAnswer, BadAnswer, ServiceFault):
            pass  # it is over already
        raise
    return size


def _wishes(resolution: int | None) -> Wishes:
    return read_wishes(output=None, format=None, resolution=resolution, color=None, source=None, pages=None)


def unexamined(patient: Patient) -> Iterator[Finding]:
    """That no self-test was possible."""
    if patient.status is not None and not patient.scanners:
        yield warning("scan", "without a scanner there is no self-test", "see the lines about the scanner")
