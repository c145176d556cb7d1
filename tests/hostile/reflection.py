"""What comes back for a datagram, by its source and by what it asks: the amplification of discovery, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fakes import wsd_client
from tests.hostile.datagrams import PORT, Forger, Tap
from tests.interop.discovery_client import QUIET_S
from tests.interop.namespaces import INTERFACE, Cable

VICTIM = "10.99.0.77"
OFF_LINK = "198.51.100.9"
GROUP = "239.255.255.250"

SOURCES = {
    "a neighbour": ("10.99.0.2", 40000),
    "a neighbour's address, forged": (VICTIM, 40000),
    "a neighbour's own discovery port, forged": (VICTIM, PORT),
    "another network, with a route back": (OFF_LINK, 40000),
    "the bridge itself": ("10.99.0.1", PORT),
    "loopback": ("127.0.0.1", 40000),
    "this network's broadcast": ("10.99.0.255", 40000),
    "everybody's broadcast": ("255.255.255.255", 40000),
    "the group": (GROUP, PORT),
    "port 0 of a neighbour": (VICTIM, 0),
}
"""Where a Probe claims to come from."""

NEIGHBOURS = ("10.99.0.2", VICTIM)


def _short_probe() -> bytes:
    """A Probe in as few bytes as there can be."""
    return (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns="http://schemas.xmlsoap.org/ws/2004/08/'
        f'addressing"><e:Header><Action>{wsd_client.WSD}/Probe</Action><MessageID>{wsd_client.message_id()[-8:]}'
        f'</MessageID></e:Header><e:Body><Probe xmlns="{wsd_client.WSD}"/></e:Body></e:Envelope>'
    ).encode()


def questions(address: str) -> dict[str, Callable[[], bytes]]:
    """What a neighbour can ask of the scanner with this endpoint address, and what is no question."""
    identifier = wsd_client.message_id()
    return {
        "Probe as Windows sends it": lambda: wsd_client.probe(),
        "Probe in the fewest bytes": _short_probe,
        "Probe filled to 1,400 bytes": lambda: wsd_client.probe().ljust(1400),
        "the same Probe again and again": lambda: wsd_client.probe(id=identifier),
        "Resolve of the scanner": lambda: wsd_client.resolve(address),
        "Resolve of another device": lambda: wsd_client.resolve("urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"),
        "Probe for printers": lambda: wsd_client.probe("x:Printer", namespaces={"x": "urn:printers"}),
        "Probe whose answer is to go elsewhere": lambda: wsd_client.probe(reply_to=f"http://{OFF_LINK}/"),
        "Probe cut off": lambda: wsd_client.probe()[:-9],
        "rubbish": lambda: b"\xff" * 700,
    }


@dataclass(frozen=True)
class Reflection:
    """How much went in, and how much came out."""

    sent: int
    sent_octets: int
    answered: int
    answered_octets: int

    @property
    def factor(self) -> float:
        """Bytes out for each byte in."""
        return self.answered_octets / self.sent_octets


def prepare(cable: Cable) -> None:
    """Make an answer to anybody possible: routes for all, no filter, and addresses that nobody needs to ask for."""
    with cable.first.inside():
        for name in ("all", INTERFACE):
            with open(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", "w") as setting:
                setting.write("0")
    cable.first.ip(f"route add default via {cable.second.ipv4}")
    hardware = "02:00:00:00:99:02"
    cable.second.ip(f"link set {INTERFACE} address {hardware}")
    cable.first.ip(f"neigh add {VICTIM} lladdr {hardware} dev {INTERFACE}")


def reflect(cable: Cable, sources: Sequence[tuple[str, int]], question: Callable[[], bytes]) -> Reflection:
    """Ask once from each of `sources`, the group and the address in turn; count what comes out until it is quiet."""
    forger = Forger(cable.second, cable.first.ipv4)
    octets = 0
    with Tap(cable.second, cable.first.ipv4) as tap:
        for number, (source, port) in enumerate(sources):
            data = question()
            octets += len(data)
            forger.send(source, data, port, "" if number % 2 else GROUP)
        # Every answer and its repeat are out within a second.
        time.sleep(QUIET_S)
    forger.close()
    return Reflection(len(sources), octets, tap.datagrams, tap.octets)
