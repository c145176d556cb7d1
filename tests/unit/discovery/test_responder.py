"""What becomes of a datagram."""

from __future__ import annotations

import socket
from random import Random

import pytest
from twisted.internet.task import Clock

from bridge.discovery.guard import AMPLIFICATION, ANSWERS_IN_ALL, ANSWERS_PER_SOURCE
from bridge.discovery.multicast import Link, LinkKey
from bridge.discovery.responder import Responder
from bridge.discovery.scheduler import Scheduler
from bridge.discovery.sequence import AppSequence
from bridge.discovery.statistics import MAX_CLIENTS, Statistics
from bridge.discovery.target import Target, TargetDevice
from tests.fakes import wsd_client
from tests.schema_check import check_datagram, fits_mtu
from tests.unit.discovery.links import ETH0, FakeWire, Sent

IPV4 = LinkKey(ETH0, socket.AF_INET)
IPV6 = LinkKey(ETH0, socket.AF_INET6)
FIRST = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", 3)
SECOND = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", 1)
CLIENT = ("192.0.2.99", 50123)
NS = {"wsa": wsd_client.WSA, "wsd": wsd_client.WSD}


class World:
    """A responder on one machine with two links and one scanner, and the clients that ask it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wire = FakeWire(self.clock)
        self.target = Target(AppSequence(1000))
        self.target.put(FIRST)
        self.statistics = Statistics()
        random = Random(0)
        self.responder = Responder(self.clock, random, self.target, 8018, self.statistics)
        self.schedulers = {key: Scheduler(self.clock, random) for key in (IPV4, IPV6)}
        self.links = {key: Link(key, lambda *_: None, lambda _: None) for key in (IPV4, IPV6)}
        for key, link in self.links.items():
            self.wire.open(key, link)

    def ask(self, data: bytes, source: tuple[str, int] = CLIENT, key: LinkKey = IPV4) -> None:
        self.responder.heard(self.links[key], self.schedulers[key], data, source)

    def answers(self, seconds: float = 2.0) -> list[Sent]:
        """What was sent until now and within the next `seconds`, repeats left out."""
        self.clock.pump([0.01] * int(seconds * 100))
        return list({sent.data: sent for sent in self.wire.sent}.values())

    def silent(self, reason: str) -> None:
        """Assert that nothing was answered, and why."""
        assert self.answers() == []
        assert self.statistics.dropped == {reason: 1}
        assert not self.statistics.answered


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.conformance(68, 72, 80, 83)
@pytest.mark.parametrize(
    ("key", "source", "host"),
    [
        (IPV4, ("192.0.2.99", 50123), "192.0.2.7"),
        (IPV6, ("fe80::99%eth0", 50123), "[fe80::7]"),
        (IPV6, ("fd99::99", 50123), "[fd99::7]"),
    ],
)
def test_a_probe_is_answered_to_where_it_came_from(
    world: World, key: LinkKey, source: tuple[str, int], host: str
) -> None:
    """Unicast to address and port of the question, with our address of the same family and scope."""
    world.ask(wsd_client.probe(id="urn:uuid:1"), source, key)
    (sent,) = world.answers()
    envelope = check_datagram(sent.data)
    assert (sent.link, sent.to) == (key, source)
    assert envelope.findtext(".//wsa:RelatesTo", None, NS) == "urn:uuid:1"
    assert envelope.findtext(".//wsd:ProbeMatch/wsd:XAddrs", None, NS) == f"http://{host}:8018/{FIRST.uuid}"
    assert fits_mtu(sent.data)


@pytest.mark.conformance(56, 70, 71)
def test_probe_matches_wait_and_are_repeated(world: World) -> None:
    """Each within half a second of the question, and once more, the same bytes."""
    delays = []
    for _ in range(10):
        asked = world.clock.seconds()
        world.wire.sent.clear()
        world.ask(wsd_client.probe())
        world.clock.pump([0.001] * 1000)
        first, second = world.wire.sent
        assert first.data == second.data
        assert second.at - asked < 0.76
        delays.append(first.at - asked)
    assert all(0 <= delay <= 0.501 for delay in delays)
    assert max(delays) - min(delays) > 0.1


@pytest.mark.conformance(76, 78)
def test_resolve_is_answered_at_once(world: World) -> None:
    """A client that resolves waits for this device alone."""
    world.ask(wsd_client.resolve(FIRST.address))
    (sent,) = world.wire.sent
    assert sent.at == 0.0
    assert check_datagram(sent.data).findtext(".//wsd:ResolveMatch/wsd:XAddrs", None, NS) == (
        f"http://192.0.2.7:8018/{FIRST.uuid}"
    )


PROBE = wsd_client.probe()
MALFORMED = {
    "empty": b"",
    "zeros": b"\x00" * 600,
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "cut off": PROBE[:-5],
    "no envelope": b"<a/>",
    "document type": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "another soap": PROBE.replace(b"2003/05/soap-envelope", b"2001/12/soap-envelope"),
    "no body": PROBE.replace(b"<soap:Body>", b"").replace(b"</soap:Body>", b""),
    "too deep": PROBE.replace(b"</wsd:Probe>", b"<wsd:x>" * 70 + b"</wsd:x>" * 70 + b"</wsd:Probe>"),
    "no message id": wsd_client.probe(id=None),
    "endless message id": wsd_client.probe(id="urn:" + "x" * 2050),
    "not understood": wsd_client.probe(headers='<x:y xmlns:x="urn:x" soap:mustUnderstand="1"/>'),
    "two message ids": wsd_client.probe(headers="<wsa:MessageID>urn:uuid:2</wsa:MessageID>"),
    "body of resolve": wsd_client.envelope(f"{wsd_client.WSD}/Probe", "<wsd:Resolve/>"),
    "resolve of nobody": wsd_client.envelope(f"{wsd_client.WSD}/Resolve", "<wsd:Resolve/>"),
}


@pytest.mark.conformance(91)
@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_question_is_ignored(world: World, data: bytes) -> None:
    """Neither an answer nor a fault: over UDP both could be turned against others."""
    world.ask(data)
    world.silent("malformed")


FOREIGN = {
    "no action": wsd_client.envelope(None, "<wsd:Probe/>"),
    "get": wsd_client.envelope(wsd_client.GET, ""),
    "ws-discovery 1.1": wsd_client.envelope("http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01/Probe", "<a/>"),
    "fault": wsd_client.envelope(f"{wsd_client.WSD}/fault", "<soap:Fault/>"),
    "hello": Target(AppSequence(7)).hello(FIRST, "http://192.0.2.7:8018/x"),
    "bye": Target(AppSequence(7)).bye(FIRST),
}


@pytest.mark.conformance(91)
@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN.keys())
def test_messages_for_others_are_ignored(world: World, data: bytes) -> None:
    """Every other message of the group is heard too, our own among them."""
    world.ask(data)
    world.silent("no query")


@pytest.mark.conformance(91)
@pytest.mark.parametrize("name", ["probe", "resolve"])
def test_an_answer_to_elsewhere_is_refused(world: World, name: str) -> None:
    """A ReplyTo that is not anonymous could aim us at anybody."""
    sink = "http://192.0.2.50/sink"
    probe = name == "probe"
    world.ask(wsd_client.probe(reply_to=sink) if probe else wsd_client.resolve(FIRST.address, reply_to=sink))
    world.silent("reply elsewhere")


def test_an_anonymous_reply_address_is_an_absent_one(world: World) -> None:
    """Some clients say it, Windows does not."""
    world.ask(wsd_client.probe(reply_to=f"{wsd_client.WSA}/role/anonymous"))
    assert len(world.answers()) == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(wsd_client.probe("wsdp:Other"), marks=pytest.mark.conformance(62), id="type"),
        pytest.param(wsd_client.probe(None, "http://floor/3"), marks=pytest.mark.conformance(63), id="scope"),
        pytest.param(wsd_client.resolve(SECOND.address), marks=pytest.mark.conformance(77), id="address"),
    ],
)
def test_a_question_for_others_is_not_answered(world: World, data: bytes) -> None:
    """Who does not match stays silent."""
    world.ask(data)
    world.silent("no match")


@pytest.mark.conformance(66)
def test_an_unknown_matching_rule_is_not_answered(world: World) -> None:
    """The fault is for HTTP only."""
    world.ask(wsd_client.probe(None, "x:y", "urn:rule"))
    world.silent("unknown rule")


@pytest.mark.conformance(86)
def test_a_repeated_probe_is_answered_once(world: World) -> None:
    """SOAP-over-UDP clients send everything twice, maybe from another port."""
    data = wsd_client.probe()
    world.ask(data)
    world.ask(data)
    world.answers()
    world.ask(data, ("192.0.2.99", 50999))
    assert len(world.answers()) == 1
    assert world.statistics.dropped == {"duplicate": 2}


def test_the_same_message_from_another_client_is_another_question(world: World) -> None:
    """Nobody can silence us by sending a foreign MessageID first."""
    data = wsd_client.probe()
    world.ask(data, ("192.0.2.66", 50123))
    world.ask(data, CLIENT)
    assert [sent.to[0] for sent in sorted(world.answers(), key=lambda sent: sent.to)] == ["192.0.2.66", "192.0.2.99"]


def test_the_same_message_in_both_families_is_answered_in_both(world: World) -> None:
    """A client may ask with one message everywhere; each answer names an address that is valid there."""
    data = wsd_client.probe()
    world.ask(data, CLIENT, IPV4)
    world.ask(data, ("fe80::99%eth0", 50123), IPV6)
    assert {sent.link for sent in world.answers()} == {IPV4, IPV6}


def test_every_scanner_answers_in_a_message_of_its_own(world: World) -> None:
    """One ProbeMatch a datagram keeps it within a packet."""
    world.target.put(SECOND)
    world.ask(wsd_client.probe())
    texts = [check_datagram(sent.data).findtext(".//wsd:XAddrs", None, NS) for sent in world.answers()]
    assert sorted(texts) == [f"http://192.0.2.7:8018/{device.uuid}" for device in (FIRST, SECOND)]


def test_a_scanner_that_goes_before_its_answer_is_silent(world: World) -> None:
    """What is told is true when it is told."""
    world.ask(wsd_client.probe())
    world.target.drop(FIRST.uuid)
    assert world.answers() == []


def test_a_scanner_that_changes_before_its_answer_tells_the_new_version(world: World) -> None:
    """A client must not store an old version under a new message number."""
    world.ask(wsd_client.probe())
    world.target.put(TargetDevice(FIRST.uuid, FIRST.path, 4))
    (sent,) = world.answers()
    assert check_datagram(sent.data).findtext(".//wsd:MetadataVersion", None, NS) == "4"


# Limits


def test_one_client_is_answered_so_often_in_a_second(world: World) -> None:
    """Twenty questions a second are more than any client has."""
    for _ in range(ANSWERS_PER_SOURCE + 5):
        world.ask(wsd_client.probe())
    assert len(world.answers()) == ANSWERS_PER_SOURCE
    assert world.statistics.dropped == {"rate": 5}


def test_forged_sources_get_no_more_than_the_limit_for_all(world: World) -> None:
    """A flood from everywhere is answered fifty times a second and then not even read."""
    for number in range(1, 201):
        world.ask(wsd_client.probe(), (f"192.0.2.{number}", 50123))
    assert len(world.answers()) == ANSWERS_IN_ALL
    assert world.statistics.dropped == {"rate": 150}
    world.ask(wsd_client.probe())
    world.wire.sent.clear()
    assert len(world.answers()) == 1


def test_with_many_scanners_each_gets_its_turn(world: World) -> None:
    """When there are more answers than may go out, chance decides, and not always for the same ones."""
    for number in range(70):
        uuid = f"6f1e7ad8-3c5b-5d0e-9c3f-{number:012x}"
        world.target.put(TargetDevice(uuid, f"/{uuid}", 1))
    found = set()
    for _ in range(10):
        world.ask(wsd_client.probe())
        found |= {check_datagram(sent.data).findtext(".//wsd:XAddrs", None, NS) for sent in world.answers()}
    assert len(found) == 71


def test_a_repetition_of_a_dropped_question_is_answered(world: World) -> None:
    """What was never answered is no duplicate."""
    for number in range(1, ANSWERS_IN_ALL + 1):
        world.ask(wsd_client.probe(), (f"192.0.2.{number}", 50123))
    data = wsd_client.probe(id="urn:uuid:late")
    world.ask(data)
    world.clock.advance(1.0)
    world.ask(data)
    related = [check_datagram(sent.data).findtext(".//wsa:RelatesTo", None, NS) for sent in world.answers()]
    assert related.count("urn:uuid:late") == 1


@pytest.mark.parametrize("padding", [0, 100, 200, 300, 400])
def test_never_more_than_five_bytes_go_out_for_one(world: World, padding: int) -> None:
    """The repeat is left out for a small question, all repeats counted."""
    data = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        f' xmlns:a="{wsd_client.WSA}" xmlns:d="{wsd_client.WSD}"><s:Header>'
        f"<a:Action>{wsd_client.WSD}/Probe</a:Action><a:MessageID>urn:x</a:MessageID></s:Header>"
        "<s:Body><d:Probe/></s:Body></s:Envelope>" + " " * padding
    ).encode()
    world.ask(data)
    (answer,) = world.answers()
    assert len(world.wire.sent) == min(2, AMPLIFICATION * len(data) // len(answer.data))
    assert sum(len(sent.data) for sent in world.wire.sent) <= AMPLIFICATION * len(data)


def test_a_question_of_the_usual_size_gets_its_repeat(world: World) -> None:
    """The 624 bytes that Windows 10 sends are enough for both transmissions."""
    data = wsd_client.probe()
    world.ask(data + b" " * (624 - len(data)))
    world.answers()
    assert len(world.wire.sent) == 2


@pytest.mark.conformance(85)
def test_an_answer_larger_than_a_packet_is_not_sent(world: World) -> None:
    """Only an endless MessageID, which has to be echoed, could make one."""
    world.ask(wsd_client.probe(id="urn:" + "x" * 1000))
    assert world.answers() == []
    assert world.statistics.dropped == {"too large an answer": 1}


# Counters


def test_questions_answers_and_clients_are_counted(world: World) -> None:
    """For the status page: what was asked, what was answered, how much was sent, and by whom."""
    world.ask(wsd_client.probe())
    world.ask(wsd_client.resolve(FIRST.address), ("192.0.2.98", 1))
    world.ask(wsd_client.resolve(SECOND.address), ("192.0.2.98", 1))
    world.answers()
    statistics = world.statistics
    assert statistics.queries == {"Probe": 1, "Resolve": 2}
    assert statistics.answered == {"Probe": 1, "Resolve": 1}
    assert statistics.sent == {"ProbeMatches": 2, "ResolveMatches": 2}
    assert statistics.dropped == {"no match": 1}
    assert [(client, seen.action, seen.interface) for client, seen in statistics.clients.items()] == [
        ("192.0.2.99", "Probe", "eth0"),
        ("192.0.2.98", "Resolve", "eth0"),
    ]


def test_the_memory_of_clients_is_bounded(world: World) -> None:
    """Who was not heard of for longest is forgotten."""
    for number in range(1, MAX_CLIENTS + 20):
        world.ask(wsd_client.probe("wsdp:Other"), (f"192.0.2.{number}", 50123))
    assert len(world.statistics.clients) == MAX_CLIENTS
    assert "192.0.2.1" not in world.statistics.clients


def test_a_datagram_that_cannot_leave_is_counted(world: World) -> None:
    """The interface may have gone; the rest goes on."""
    world.wire.ports[IPV4].broken = True
    world.ask(wsd_client.probe())
    world.answers()
    assert world.statistics.dropped == {"not sent": 2}
