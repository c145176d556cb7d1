"""Hello and Bye while interfaces and scanners come and go."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface
from random import Random

import pytest
from lxml import etree
from twisted.internet.task import Clock

from bridge.discovery.multicast import LinkKey
from bridge.discovery.netif import Interface
from bridge.discovery.scheduler import MULTICAST_TRANSMISSIONS
from bridge.discovery.sequence import AppSequence
from bridge.discovery.service import RETRY_S, DiscoveryService
from bridge.discovery.target import Target, TargetDevice
from tests.deferreds import no_result, success_result_of
from tests.fakes import wsd_client
from tests.schema_check import check_datagram
from tests.unit.discovery.links import ETH0, WLAN0, FakeWire, Sent

ETH0_IPV4 = LinkKey(ETH0, socket.AF_INET)
ETH0_IPV6 = LinkKey(ETH0, socket.AF_INET6)
WLAN0_IPV4 = LinkKey(WLAN0, socket.AF_INET)
FIRST = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e01", 3)
SECOND = TargetDevice("6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", "/6f1e7ad8-3c5b-5d0e-9c3f-0a2b4c6d8e02", 1)
NS = {"wsa": wsd_client.WSA, "wsd": wsd_client.WSD}


class World:
    """A service on a machine whose interfaces can be changed; one scanner is there from the start."""

    def __init__(self, interfaces: Sequence[Interface] = (ETH0,), hello_xaddrs: bool = True) -> None:
        self.clock = Clock()
        self.wire = FakeWire(self.clock)
        self.interfaces: Sequence[Interface] | Exception = interfaces
        self.target = Target(AppSequence(1000), hello_xaddrs=hello_xaddrs)
        self.target.put(FIRST)
        self.service = DiscoveryService(
            self.clock, self.target, 8018, self.look, random=Random(5), open_port=self.wire.open
        )

    def look(self) -> Sequence[Interface]:
        if isinstance(self.interfaces, Exception):
            raise self.interfaces
        return self.interfaces

    def wait(self, seconds: float = 2.0) -> None:
        self.clock.pump([0.01] * int(seconds * 100))

    def started(self) -> World:
        """The service runs and its first Hello is over."""
        self.service.startService()
        self.wait()
        self.wire.sent.clear()
        return self


def told(sent: Sent) -> tuple[str, str, str]:
    """Action, endpoint address and XAddrs of a datagram."""
    envelope = check_datagram(sent.data)
    action = envelope.findtext(".//wsa:Action", "", NS).rpartition("/")[2]
    address = envelope.findtext(".//wsa:EndpointReference/wsa:Address", "", NS).removeprefix("urn:uuid:")
    return action, address, envelope.findtext(".//wsd:XAddrs", "", NS)


def sequence(sent: Sent) -> tuple[str, int]:
    header: etree._Element = check_datagram(sent.data).find(".//wsd:AppSequence", NS)
    return header.get("InstanceId"), int(header.get("MessageNumber"))


def message_ids(sent: Sequence[Sent]) -> set[str]:
    return {check_datagram(one.data).findtext(".//wsa:MessageID", "", NS) for one in sent}


@pytest.mark.conformance(42, 43, 44, 52, 56)
def test_starting_says_hello_on_every_link() -> None:
    """To the group of each family within half a second, not at once, four times the same, with the link's address."""
    world = World()
    world.service.startService()
    assert not world.wire.sent
    world.wait(0.5)
    assert {sent.link for sent in world.wire.sent} == {ETH0_IPV4, ETH0_IPV6}
    world.wait()
    ipv4, ipv6 = world.wire.on(ETH0_IPV4), world.wire.on(ETH0_IPV6)
    assert [sent.to for sent in ipv4] == [("239.255.255.250", 3702)] * MULTICAST_TRANSMISSIONS
    assert [sent.to for sent in ipv6] == [("ff02::c%eth0", 3702)] * MULTICAST_TRANSMISSIONS
    assert {told(sent) for sent in ipv4} == {("Hello", FIRST.uuid, f"http://192.0.2.7:8018/{FIRST.uuid}")}
    assert {told(sent) for sent in ipv6} == {("Hello", FIRST.uuid, f"http://[fe80::7]:8018/{FIRST.uuid}")}
    assert len({sent.data for sent in ipv4}) == len({sent.data for sent in ipv6}) == 1
    assert len(message_ids([*ipv4, *ipv6])) == 2


@pytest.mark.conformance(46, 57)
def test_a_hello_without_addresses_is_the_same_everywhere() -> None:
    """With the switch it names no address, and is one message on all interfaces."""
    world = World([ETH0, WLAN0], hello_xaddrs=False)
    world.service.startService()
    world.wait()
    assert len(world.wire.sent) == 3 * MULTICAST_TRANSMISSIONS
    assert len({sent.data for sent in world.wire.sent}) == 1
    assert told(world.wire.sent[0]) == ("Hello", FIRST.uuid, "")


@pytest.mark.conformance(49)
def test_stopping_says_bye_and_closes() -> None:
    """The same endpoint address, four times on each link; only then the sockets close."""
    world = World().started()
    stopped = world.service.stopService()
    no_result(stopped)
    assert world.wire.listening == {ETH0_IPV4, ETH0_IPV6}
    world.wait()
    success_result_of(stopped)
    assert [told(sent) for sent in world.wire.sent] == [("Bye", FIRST.uuid, "")] * 2 * MULTICAST_TRANSMISSIONS
    assert len(message_ids(world.wire.sent)) == 1
    assert world.wire.listening == set()
    assert world.clock.getDelayedCalls() == []


def test_stopping_is_over_in_little_more_than_a_second() -> None:
    """A shutdown does not wait for long."""
    world = World().started()
    stopped = world.service.stopService()
    world.wait(1.2)
    success_result_of(stopped)


def test_nothing_is_answered_after_bye() -> None:
    """The devices have gone."""
    world = World().started()
    world.service.stopService()
    world.wire.links[ETH0_IPV4].datagramReceived(wsd_client.resolve(FIRST.address), ("192.0.2.99", 5))
    world.wait()
    assert {told(sent)[0] for sent in world.wire.sent} == {"Bye"}


def test_stopping_before_hello_leaves_no_hello_behind() -> None:
    """A Hello that waits is not sent after Bye."""
    world = World()
    world.service.startService()
    world.service.stopService()
    world.wait()
    assert {told(sent)[0] for sent in world.wire.sent} == {"Bye"}


def test_stopping_with_a_broken_socket_still_stops() -> None:
    """Bye is best effort."""
    world = World().started()
    for port in world.wire.ports.values():
        port.broken = True
    stopped = world.service.stopService()
    world.wait()
    success_result_of(stopped)
    assert world.service.statistics.dropped == {"not sent": 2 * MULTICAST_TRANSMISSIONS}


def test_a_service_can_start_again() -> None:
    """As a new start, with a Hello."""
    world = World().started()
    world.service.stopService()
    world.wait()
    world.wire.sent.clear()
    world.service.startService()
    world.wait()
    assert {told(sent)[0] for sent in world.wire.sent} == {"Hello"}


@pytest.mark.conformance(58)
def test_a_running_service_answers() -> None:
    """What a link hears is answered through the link's own socket."""
    world = World().started()
    world.wire.links[ETH0_IPV4].datagramReceived(wsd_client.probe(), ("192.0.2.99", 50123))
    world.wait()
    assert {(told(sent)[0], sent.link, sent.to) for sent in world.wire.sent} == {
        ("ProbeMatches", ETH0_IPV4, ("192.0.2.99", 50123))
    }


# Scanners come and go


def test_a_scanner_plugged_in_says_hello() -> None:
    """The new one alone."""
    world = World().started()
    world.service.add(SECOND)
    world.wait()
    assert {told(sent)[:2] for sent in world.wire.sent} == {("Hello", SECOND.uuid)}


@pytest.mark.conformance(49)
def test_a_scanner_pulled_out_says_bye() -> None:
    """That one alone, and it answers no more."""
    world = World().started()
    world.service.add(SECOND)
    world.wait()
    world.wire.sent.clear()
    world.service.remove(SECOND.uuid)
    world.service.remove("never known")
    world.wire.links[ETH0_IPV4].datagramReceived(wsd_client.resolve(SECOND.address), ("192.0.2.99", 5))
    world.wait()
    assert {told(sent)[:2] for sent in world.wire.sent} == {("Bye", SECOND.uuid)}
    assert len(world.wire.on(ETH0_IPV4)) == MULTICAST_TRANSMISSIONS


def test_only_the_latest_announcement_of_a_scanner_is_sent() -> None:
    """In and out within a second: no Hello follows a Bye, no Bye a Hello."""
    world = World().started()
    world.service.add(SECOND)
    world.wait(0.6)
    world.service.remove(SECOND.uuid)
    world.wait(0.1)
    world.service.add(SECOND)
    since = len(world.wire.on(ETH0_IPV4))
    world.wait()
    last = [told(sent)[0] for sent in world.wire.on(ETH0_IPV4)]
    assert "Bye" in last[:since]
    assert last[since:] == ["Hello"] * MULTICAST_TRANSMISSIONS


def test_a_hello_does_not_cancel_an_answer() -> None:
    """Who has asked is answered, whatever is announced meanwhile."""
    world = World().started()
    world.wire.links[ETH0_IPV4].datagramReceived(wsd_client.probe(), ("192.0.2.99", 50123))
    world.service.update(FIRST)
    world.wait()
    assert {told(sent)[0] for sent in world.wire.on(ETH0_IPV4)} == {"Hello", "ProbeMatches"}


@pytest.mark.conformance(110)
def test_a_changed_scanner_says_hello_with_its_new_version() -> None:
    """No Bye before it: the device has not gone."""
    world = World().started()
    world.service.update(replace(FIRST, metadata_version=4))
    world.wait()
    assert {told(sent)[0] for sent in world.wire.sent} == {"Hello"}
    versions = {check_datagram(sent.data).findtext(".//wsd:MetadataVersion", "", NS) for sent in world.wire.sent}
    assert versions == {"4"}


def test_new_capabilities_come_with_a_new_instance() -> None:
    """Windows looks again only after what seems a power cycle; then the count begins at 1."""
    world = World([WLAN0]).started()
    world.service.update(FIRST, instance_id=1001)
    world.wait()
    assert [sequence(sent) for sent in world.wire.sent] == [("1001", 1)] * MULTICAST_TRANSMISSIONS
    with pytest.raises(ValueError, match="not greater"):
        world.service.update(FIRST, instance_id=1001)


@pytest.mark.conformance(55)
def test_message_numbers_rise_in_the_order_of_sending() -> None:
    """Over links, devices and kinds of message; a client drops what is numbered lower than what it has seen."""
    world = World([ETH0, WLAN0])
    world.service.startService()
    world.service.add(SECOND)
    for number in range(6):
        world.wire.links[ETH0_IPV4].datagramReceived(wsd_client.probe(), (f"192.0.2.{90 + number}", 5))
    world.wait(0.4)
    world.service.remove(SECOND.uuid)
    world.wait()
    first_times = list({sent.data: sequence(sent)[1] for sent in world.wire.sent}.values())
    assert len(first_times) > 10
    assert first_times == sorted(first_times)
    assert len(set(first_times)) == len(first_times)


def test_before_the_start_nothing_is_sent() -> None:
    """Scanners may be there before discovery is."""
    world = World()
    world.service.add(SECOND)
    world.service.renew()
    world.wait()
    assert world.wire.sent == []


# Interfaces come and go


@pytest.mark.conformance(93)
def test_a_new_interface_says_hello_there() -> None:
    """And there alone; the other links are left in peace."""
    world = World().started()
    world.interfaces = [ETH0, WLAN0]
    world.service.renew()
    world.wait()
    assert {sent.link for sent in world.wire.sent} == {WLAN0_IPV4}
    assert {told(sent) for sent in world.wire.sent} == {
        ("Hello", FIRST.uuid, f"http://198.51.100.7:8018/{FIRST.uuid}")
    }
    assert world.service.interfaces == [ETH0, WLAN0]


@pytest.mark.conformance(93)
def test_a_new_address_says_hello_with_it() -> None:
    """The old socket is closed, the new Hello names the new address."""
    world = World([WLAN0]).started()
    moved = replace(WLAN0, ipv4=(IPv4Interface("203.0.113.5/24"),))
    world.interfaces = [moved]
    world.service.renew()
    world.wait()
    assert {told(sent)[2] for sent in world.wire.sent} == {f"http://203.0.113.5:8018/{FIRST.uuid}"}
    assert world.wire.listening == {LinkKey(moved, socket.AF_INET)}


def test_an_interface_that_goes_takes_its_sockets() -> None:
    """Nothing waits for it: answers on their way are given up."""
    world = World([ETH0, WLAN0]).started()
    world.wire.links[WLAN0_IPV4].datagramReceived(wsd_client.probe(), ("198.51.100.9", 5))
    world.interfaces = [ETH0]
    world.service.renew()
    world.wait()
    assert world.wire.sent == []
    assert world.wire.listening == {ETH0_IPV4, ETH0_IPV6}


def test_an_interface_that_stays_is_left_alone() -> None:
    """Looking again and again says nothing."""
    world = World().started()
    links = dict(world.wire.links)
    for _ in range(3):
        world.service.renew()
    world.wait()
    assert world.wire.sent == []
    assert world.wire.links == links


def test_a_socket_that_cannot_be_opened_is_tried_again() -> None:
    """One interface's trouble is not another's, and it is told."""
    world = World([ETH0, WLAN0])
    world.wire.refuse = {WLAN0_IPV4}
    world.started()
    assert world.service.broken == ["wlan0 (IPv4)"]
    assert world.wire.listening == {ETH0_IPV4, ETH0_IPV6}
    world.wire.refuse = set()
    world.wait(RETRY_S + 1)
    assert {sent.link for sent in world.wire.sent} == {WLAN0_IPV4}
    assert world.service.broken == []


def test_an_error_in_looking_does_not_end_the_looking() -> None:
    """The next look may succeed."""
    world = World([]).started()
    world.interfaces = RuntimeError("unexpected")
    world.service.renew()
    world.wait(RETRY_S + 1)
    world.interfaces = [WLAN0]
    world.wait(RETRY_S)
    assert world.wire.listening == {WLAN0_IPV4}


def test_a_machine_without_network_starts() -> None:
    """The address may come later."""
    world = World([]).started()
    assert world.wire.listening == set()
    success_result_of(world.service.stopService())
