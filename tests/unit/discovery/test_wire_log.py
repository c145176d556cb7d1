"""What log.wire shows of discovery: who asked, what was answered, and what everybody was told."""

from __future__ import annotations

from random import Random

from twisted.internet.task import Clock

from bridge.discovery.sequence import AppSequence
from bridge.discovery.service import DiscoveryService
from bridge.discovery.target import Target, TargetDevice
from tests.fakes import wsd_client
from tests.unit.discovery.links import ETH0, WLAN0, FakeWire
from tests.unit.discovery.test_service import ETH0_IPV4

DEVICE = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", 3)
PEER = ("192.0.2.99", 50123)


class Watched:
    """A running service; `lines` are ways and messages in their order."""

    def __init__(self, hello_xaddrs: bool = True) -> None:
        self.clock = Clock()
        self.wire = FakeWire(self.clock)
        self.lines: list[tuple[str, bytes]] = []
        target = Target(AppSequence(1000), hello_xaddrs=hello_xaddrs)
        target.put(DEVICE)
        self.service = DiscoveryService(
            self.clock,
            target,
            8018,
            lambda: [ETH0, WLAN0],
            random=Random(5),
            open_port=self.wire.open,
            trace=lambda way, message: self.lines.append((way, message)),
        )
        self.service.startService()
        self.wait()

    def wait(self) -> None:
        self.clock.pump([0.01] * 200)

    def hear(self, data: bytes) -> None:
        self.wire.links[ETH0_IPV4].datagramReceived(data, PEER)
        self.wait()


def test_announcements_are_shown_once_for_each_link() -> None:
    """Hello and Bye go out several times and stand in the log once for each link, as they went there."""
    for hello_xaddrs in (True, False):
        watched = Watched(hello_xaddrs)
        watched.service.stopService()
        watched.wait()
        links = ["all <- eth0 (IPv4)", "all <- eth0 (IPv6)", "all <- wlan0 (IPv4)"]
        assert sorted(way for way, _ in watched.lines) == sorted(links * 2)
        sent = {(f"all <- {one.link}", one.data) for one in watched.wire.sent}
        assert set(watched.lines) == sent


def test_a_question_and_its_answer_are_shown() -> None:
    """A Probe is shown with who sent it and where it came in, its repetition is not, and the answer is shown once."""
    watched = Watched()
    watched.lines.clear()
    probe = wsd_client.probe()
    watched.hear(probe)
    watched.hear(probe)
    (asked, answered) = watched.lines
    assert asked == ("192.0.2.99 -> eth0 (IPv4)", probe)
    assert answered[0] == "192.0.2.99 <- eth0 (IPv4)"
    assert answered[1] == watched.wire.sent[-1].data


def test_a_question_without_answer_is_shown_too() -> None:
    """Somebody who looks for printers is seen to ask, and to get nothing; rubbish and other messages are not shown."""
    watched = Watched()
    watched.lines.clear()
    printers = wsd_client.probe("wsdp:Printer")
    watched.hear(printers)
    watched.hear(b"rubbish")
    watched.hear(wsd_client.envelope(f"{wsd_client.WSD}/Hello", "<wsd:Hello/>"))
    assert watched.lines == [("192.0.2.99 -> eth0 (IPv4)", printers)]
