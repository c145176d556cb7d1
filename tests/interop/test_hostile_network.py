"""A daemon on one machine and a neighbour who means no good on another: forged datagrams, storms, hundreds of
connections. What is measured here once and shortly, `tests.tools.reliability` measures at length."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from bridge.http import limits
from tests.fakes import wsd_client
from tests.hostile.client import Client
from tests.hostile.datagrams import PORT, Forger, rubbish, storm
from tests.hostile.reflection import NEIGHBOURS, SOURCES, VICTIM, prepare, questions, reflect
from tests.interop.daemon import Daemon, running
from tests.interop.namespaces import INTERFACE, Cable

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        prepare(cable)
        cable.second.ip(f"addr add 10.99.0.3/24 dev {INTERFACE}")
        yield cable


@pytest.fixture(scope="module")
def daemon(cable: Cable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    settings = {"network": {"interfaces": [INTERFACE]}}
    with running(Daemon(tmp_path_factory.mktemp("bridge"), settings, launch=cable.first.start)) as daemon:
        yield daemon


@pytest.fixture
def client(cable: Cable, daemon: Daemon) -> Iterator[Client]:
    """A good neighbour."""
    status = daemon.status()
    path = "/" + status["scanners"][0]["urls"]["service"].split("/", 3)[3]
    client = Client(cable.first.ipv4, status["http_port"], path, cable.second, "10.99.0.3")
    yield client
    client.close()


STRANGERS = [source for source in SOURCES.values() if source[0] not in NEIGHBOURS or not source[1]]
SILENT = (
    "Resolve of another device",
    "Probe for printers",
    "Probe whose answer is to go elsewhere",
    "Probe cut off",
    "rubbish",
)
ANSWERED = sorted(questions("").keys() - set(SILENT))


def test_strangers_get_nothing(cable: Cable, daemon: Daemon) -> None:
    """Whoever is no single neighbour and yet said to have asked: not one byte comes out."""
    asked = [source for source in STRANGERS for _ in range(5)]
    seen = reflect(cable, asked, wsd_client.probe)
    assert seen.sent == 5 * len(STRANGERS) > 30
    assert seen.answered_octets == 0


@pytest.mark.parametrize("source", [source for source in SOURCES.values() if source not in STRANGERS])
def test_a_neighbour_gets_at_most_five_times_as_much(cable: Cable, daemon: Daemon, source: tuple[str, int]) -> None:
    """Also one that has never asked: its address was forged."""
    seen = reflect(cable, [source] * 5, wsd_client.probe)
    assert 0 < seen.factor <= 5


def test_what_is_no_question_of_ours_brings_nothing(cable: Cable, daemon: Daemon) -> None:
    """Not for another device or kind, not with another place for the answer, not malformed."""
    asked = questions(f"urn:uuid:{daemon.scanner()['uuid']}")
    data = iter([asked[name]() for name in SILENT])
    assert reflect(cable, [("10.99.0.2", 40000)] * len(SILENT), lambda: next(data)).answered_octets == 0


@pytest.mark.parametrize("name", ANSWERED)
def test_no_question_brings_more_than_five_times_as_much(cable: Cable, daemon: Daemon, name: str) -> None:
    """All repeats counted, in whatever words it is asked; the same question is answered once."""
    question = questions(f"urn:uuid:{daemon.scanner()['uuid']}")[name]
    seen = reflect(cable, [("10.99.0.2", 40000)] * 5, question)
    assert 0 < seen.factor <= 5
    if name.startswith("the same"):
        assert seen.answered <= 2


def test_a_page_is_scanned_while_a_storm_runs(cable: Cable, daemon: Daemon, client: Client) -> None:
    """Two thousand datagrams a second, forged ones too, change no byte of a page; and the next Probe is answered."""
    quiet = client.page()
    forger = Forger(cable.second, cable.first.ipv4)
    plain = cable.second.socket(socket.AF_INET)
    noise = rubbish()

    def send(number: int) -> None:
        if number % 2:
            forger.send(f"10.99.0.{number % 250}", wsd_client.probe())
        else:
            plain.sendto(next(noise), (cable.first.ipv4, PORT))

    raging = Thread(target=storm, args=(send, 2000, 3))
    raging.start()
    pages = [client.page()]
    raging.join()
    forger.close()
    plain.close()
    assert pages == [quiet]
    while not reflect(cable, [(VICTIM, 40000)], wsd_client.probe).answered:
        pass  # ends by the time limit of tests


def test_hundreds_of_connections_leave_room_for_others(cable: Cable, daemon: Daemon, client: Client) -> None:
    """One neighbour gets its sixteen, the others hear 503 or the end; another neighbour scans meanwhile."""
    port = daemon.status()["http_port"]
    lines = []
    for _ in range(200):
        line = cable.second.socket(socket.AF_INET, socket.SOCK_STREAM)
        line.settimeout(30)
        line.connect((cable.first.ipv4, port))
        lines.append(line)
    assert len(client.page()) == 64
    served = 0
    for line in lines:
        try:
            line.sendall(b"GET /nothing HTTP/1.1\r\nHost: 10.99.0.1\r\n\r\n")
            served += line.recv(20).startswith(b"HTTP/1.1 404")
        except ConnectionError:
            pass  # cut off: the kernel tells so in one way or the other
        line.close()
    assert served == limits.MAX_CONNECTIONS_PER_CLIENT
    assert len(client.page()) == 64
