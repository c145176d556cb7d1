"""Discovery over real sockets, between two machines made of network namespaces:

    client 10.99.0.2, fd99::2, fe80::99:2  ---- lan0 ----  discovery 10.99.0.1, fd99::1, fe80::99:1

The discovery side has no capabilities, as under systemd.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lxml import etree

from tests.fakes import wsd_client
from tests.interop.daemon import REPOSITORY
from tests.interop.discovery_client import NS, PATIENCE_S, PORT, Client, Heard
from tests.interop.namespaces import INTERFACE, Cable, Host
from tests.schema_check import fits_mtu

pytestmark = pytest.mark.interop

UUID = "6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01"
ADDRESS = f"urn:uuid:{UUID}"

class Discovery:
    """The process under test."""

    def __init__(self, host: Host, *options: str) -> None:
        command = ["-m", "tests.interop.discovery_host", *options, UUID]
        self.process = host.start(
            "setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, *command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        assert self.process.stdout.readline().strip() == "ready"

    def say(self, command: str) -> dict[str, int]:
        """Give a command; the answer are the counters of what was dropped."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        dropped: dict[str, int] = json.loads(self.process.stdout.readline())
        return dropped

    def stop(self) -> None:
        """Let it say Bye and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(PATIENCE_S) == 0


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


def is_announcement(name: str) -> Callable[[Heard], bool]:
    return lambda heard: heard.action == name


@pytest.mark.parametrize(
    ("family", "source", "xaddr"),
    [
        pytest.param(socket.AF_INET, "10.99.0.1", "http://10.99.0.1:8018", marks=pytest.mark.conformance(42)),
        pytest.param(socket.AF_INET6, "fe80::99:1", "http://[fe80::99:1]:8018", marks=pytest.mark.conformance(43)),
    ],
)
@pytest.mark.conformance(45, 47, 48, 50, 52, 56, 82, 83, 85)
def test_hello_reaches_the_group(cable: Cable, family: socket.AddressFamily, source: str, xaddr: str) -> None:
    """Four equal datagrams from port 3702 that no router passes on, with an address of their own family."""
    listener = Client(cable.second, family).join()
    Discovery(cable.first)
    heard = [listener.next() for _ in range(4)]
    assert {one.source for one in heard} == {(source, PORT)}
    assert {one.hops for one in heard} == {1}
    assert len({one.data for one in heard}) == 1
    assert heard[0].action == "Hello"
    assert heard[0].text("wsa:EndpointReference/wsa:Address") == ADDRESS
    assert heard[0].text("wsd:XAddrs") == f"{xaddr}/{UUID}"
    assert fits_mtu(heard[0].data)


@pytest.mark.conformance(49)
def test_bye_reaches_both_groups(cable: Cable) -> None:
    """On an orderly stop, with the endpoint address of Hello."""
    listeners = [Client(cable.second, family).join() for family in (socket.AF_INET, socket.AF_INET6)]
    discovery = Discovery(cable.first)
    for listener in listeners:
        listener.next(is_announcement("Hello"))
    discovery.stop()
    for listener in listeners:
        bye = listener.next(is_announcement("Bye"))
        assert bye.text("wsa:EndpointReference/wsa:Address") == ADDRESS


@pytest.mark.conformance(58, 68, 69, 72, 80, 82, 83)
@pytest.mark.parametrize(
    ("family", "bound", "own", "xaddr"),
    [
        (socket.AF_INET, None, "10.99.0.1", "10.99.0.1"),
        (socket.AF_INET6, None, "fe80::99:1", "[fe80::99:1]"),
        (socket.AF_INET6, "fd99::2", "fd99::1", "[fd99::1]"),
    ],
)
def test_a_multicast_probe_is_answered(
    cable: Cable, family: socket.AddressFamily, bound: str | None, own: str, xaddr: str
) -> None:
    """Unicast from port 3702, twice the same, from and with the address of the client's own family and scope."""
    Discovery(cable.first)
    client = Client(cable.second, family)
    if bound is not None:
        client.socket.bind((bound, 0))
    client.ask(wsd_client.probe(id="urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"))
    first, second = client.next(), client.next()
    assert first.source == second.source == (own, PORT)
    assert first.data == second.data
    assert first.action == "ProbeMatches"
    assert first.text("wsa:RelatesTo") == "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
    assert first.text("wsd:XAddrs") == f"http://{xaddr}:8018/{UUID}"


@pytest.mark.conformance(76, 77)
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_multicast_resolve_is_answered_for_us_alone(cable: Cable, family: socket.AddressFamily) -> None:
    """With our address; for another device's there is silence."""
    Discovery(cable.first)
    client = Client(cable.second, family)
    client.ask(wsd_client.resolve(f"urn:uuid:{UUID[:-1]}2"))
    client.ask(wsd_client.resolve(ADDRESS))
    assert {client.next().action, client.next().action} == {"ResolveMatches"}
    assert client.silence()


@pytest.mark.parametrize(
    ("family", "to"),
    [(socket.AF_INET, "10.99.0.1"), (socket.AF_INET6, "fd99::1"), (socket.AF_INET6, "fe80::99:1")],
)
def test_a_unicast_probe_is_answered(cable: Cable, family: socket.AddressFamily, to: str) -> None:
    """A client that knows the address may ask it alone."""
    Discovery(cable.first)
    client = Client(cable.second, family)
    client.send(wsd_client.probe(), to)
    answer = client.next()
    assert (answer.action, answer.source) == ("ProbeMatches", (to, PORT))


def test_a_client_on_the_same_machine_is_answered(cable: Cable) -> None:
    """sane-airscan beside the bridge asks on the same interface."""
    Discovery(cable.first)
    client = Client(cable.first, socket.AF_INET)
    client.ask(wsd_client.probe())
    assert client.next().text("wsd:XAddrs") == f"http://10.99.0.1:8018/{UUID}"


@pytest.mark.parametrize("bound", ["127.0.0.1", None])
def test_loopback_is_served_when_it_is_named(cable: Cable, bound: str | None) -> None:
    """By multicast, from 127.0.0.1 or whatever address the kernel takes, and then nowhere else."""
    Discovery(cable.first, "--interface", "lo")
    client = Client(cable.first, socket.AF_INET, "lo")
    if bound is not None:
        client.socket.bind((bound, 0))
    client.ask(wsd_client.probe())
    assert client.next().text("wsd:XAddrs") == f"http://127.0.0.1:8018/{UUID}"
    neighbour = Client(cable.second, socket.AF_INET)
    neighbour.ask(wsd_client.probe())
    assert neighbour.silence()


def test_who_is_not_on_link_is_not_answered(cable: Cable) -> None:
    """Although there is a route back: an answer to a forged address would hit a stranger."""
    cable.second.ip(f"addr add 172.31.0.9/32 dev {INTERFACE}")
    cable.first.ip(f"route add 172.31.0.9/32 dev {INTERFACE}")
    discovery = Discovery(cable.first)
    client = Client(cable.second, socket.AF_INET)
    client.socket.bind(("172.31.0.9", 0))
    client.ask(wsd_client.probe())
    client.send(wsd_client.probe(), "10.99.0.1")
    assert client.silence()
    assert discovery.say("dropped")["off link"] == 2


@pytest.mark.conformance(91)
def test_rubbish_is_ignored_and_does_no_harm(cable: Cable) -> None:
    """Nothing comes back for it, and the next question is answered."""
    discovery = Discovery(cable.first)
    client = Client(cable.second, socket.AF_INET)
    probe = wsd_client.probe()
    for data in (b"", b"\xff" * 1000, probe[:-9], probe + b" " * 9000, probe + b" " * 60000):
        client.ask(data)
    client.ask(wsd_client.probe(reply_to="http://10.99.0.2/"))
    assert client.silence()
    dropped = discovery.say("dropped")
    assert (dropped["malformed"], dropped["too large"], dropped["reply elsewhere"]) == (3, 2, 1)
    client.ask(probe)
    assert client.next().action == "ProbeMatches"


@pytest.mark.conformance(93)
def test_a_new_address_is_announced(cable: Cable) -> None:
    """The Hello names the new one, and questions from its network are answered with it."""
    listener = Client(cable.second, socket.AF_INET).join()
    Discovery(cable.first)
    listener.next(is_announcement("Hello"))
    cable.second.ip(f"addr add 10.77.0.2/24 dev {INTERFACE}")
    cable.first.ip(f"addr del 10.99.0.1/24 dev {INTERFACE}")
    cable.first.ip(f"addr add 10.77.0.1/24 dev {INTERFACE}")
    assert listener.next(lambda heard: heard.source[0] == "10.77.0.1").text("wsd:XAddrs") == (
        f"http://10.77.0.1:8018/{UUID}"
    )
    client = Client(cable.second, socket.AF_INET)
    client.socket.bind(("10.77.0.2", 0))
    client.ask(wsd_client.probe())
    assert client.next().text("wsd:XAddrs") == f"http://10.77.0.1:8018/{UUID}"


@pytest.mark.conformance(92)
@pytest.mark.parametrize("first", [True, False], ids=["it was first", "it comes later"])
def test_another_daemon_shares_the_port(cable: Cable, first: bool) -> None:
    """Both hear a multicast question, whoever opened the port first, and ours answers from 3702."""
    if first:
        other = Client(cable.first, socket.AF_INET).join()
    Discovery(cable.first)
    if not first:
        other = Client(cable.first, socket.AF_INET).join()
    client = Client(cable.second, socket.AF_INET)
    data = wsd_client.probe()
    client.ask(data)
    assert client.next().source == ("10.99.0.1", PORT)
    assert other.next(lambda heard: heard.data == data).source[0] == "10.99.0.2"


NEIGHBOURS = {
    "wsdd": ("/usr/bin/python3", "{program}", "--interface", INTERFACE, "--hostname", "samba"),
    "wsdd2": ("{program}", "-i", INTERFACE, "-w", "-H", "samba", "-N", "SAMBA", "-G", "HOME"),
}
"""How Debian's other WSD daemons are started, which show a Samba server; Debian 13 has the second one only."""


@pytest.fixture(scope="module")
def neighbour() -> tuple[str, ...]:
    """The command of another WSD daemon, installed or as ./test has unpacked it."""
    for name, command in NEIGHBOURS.items():
        unpacked = sorted((REPOSITORY / ".cache/neighbour").glob(f"usr/*bin/{name}"))
        program = shutil.which(name) or (str(unpacked[0]) if unpacked else None)
        if program is not None:
            return tuple(word.format(program=program) for word in command)
    pytest.fail(f"there is none of {', '.join(NEIGHBOURS)}, which ./test unpacks into .cache/neighbour")


@pytest.mark.conformance(92)
def test_another_wsd_daemon_on_the_same_machine_goes_on(cable: Cable, neighbour: tuple[str, ...]) -> None:
    """A Probe for wsdp:Device is answered by both, each with its own endpoint address."""
    cable.first.start(*neighbour)
    client = Client(cable.second, socket.AF_INET)
    theirs = address_in(client.find())
    Discovery(cable.first)
    client.ask(wsd_client.probe())
    found = set()
    while found != {ADDRESS, theirs}:
        found.add(address_in(client.next()))
    assert theirs != ADDRESS


def address_in(heard: Heard) -> str:
    """The endpoint address in an answer, which may be another daemon's and is not checked."""
    return str(etree.fromstring(heard.data).findtext(".//wsa:EndpointReference/wsa:Address", "", NS))
