"""Scanners that people plug in and unplug, against the whole bridge (see usb_site.py for what is real)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from lxml import etree

from bridge.scanner.hotplug import UsbDevice, UsbEvent
from tests.chaos.order import Fault, Sensor
from tests.fakes.usb_events import PlayedUsb
from tests.interop.daemon import HANG_S, REPOSITORY
from tests.interop.push_scan import WaitingPc
from tests.interop.usb_site import LIDE, PAGE, V39, UsbSite, usb_site
from tests.usb.bus import Bus

pytestmark = pytest.mark.interop

NO_SCANNER = replace(V39, scanner=False)


class Sites(Protocol):
    """Makes a site."""

    def __call__(self, **settings: Any) -> AbstractContextManager[UsbSite]:
        """With `settings` of the section [scanner]."""


@pytest.fixture
def sites(tmp_path: Path, chaos_library: Path) -> Sites:
    return lambda **settings: usb_site(tmp_path, chaos_library, **settings)


@pytest.fixture
def site(sites: Sites) -> Iterator[UsbSite]:
    with sites() as site:
        yield site


@pytest.mark.conformance(42, 49, 51, 53)
def test_plug_unplug_and_plug_again(site: UsbSite) -> None:
    """Hello when it answers, Bye and 404 when it is gone, and then one Hello of the same scanner at the same URLs."""
    site.daemon.start(scanners=0)
    first = site.plug(LIDE)
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    (urls,) = [scanner["urls"] for scanner in site.scanners()]
    page = site.scan(uuid)
    site.unplug(first)
    assert site.next_announcement() == ("Bye", uuid)
    site.wait_for_count(0)
    assert (site.http_status(f"/{uuid}"), site.http_status(f"/{uuid}/scan")) == (404, 404)
    site.wait_until(lambda: len(site.processes()) == 1, "the end of its worker")
    second = site.plug(LIDE)
    assert second.name != first.name
    assert site.wait_for_count(1) == [uuid]
    assert site.next_announcement() == ("Hello", uuid)
    assert [scanner["urls"] for scanner in site.scanners()] == [urls]
    assert (site.scan(uuid) == page).all()
    assert site.no_announcement()
    site.daemon.stop()


def test_a_device_that_is_no_scanner(site: UsbSite) -> None:
    """Is looked at once and changes nothing."""
    site.daemon.start(scanners=0)
    site.bus.plug(NO_SCANNER)
    site.plug(LIDE)
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    assert site.no_announcement()
    site.daemon.stop()


@pytest.mark.parametrize("how", ["stall", "deaf", "status"])
def test_unplugged_in_the_middle_of_a_page(site: UsbSite, how: str) -> None:
    """A driver that fails at once, one that never comes back, and one that even ignores SIGTERM: the job is over for
    the client, the scanner is gone, and after the next plug a page is scanned."""
    plug = site.bus.plug(LIDE)
    site.write(replace(site.order, faults=[Fault("read", how, 9, line=100)]))
    site.daemon.start()
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    scan = site.client(uuid).start(*PAGE)
    if how == "status":
        site.wait_for_log("Aborted (ScannerStopped)")
    else:
        site.wait_for_call(how)
    site.unplug(plug)
    assert scan.end().status != 0
    site.wait_for_log("Aborted (ScannerStopped)")
    site.wait_for_count(0)
    assert site.next_announcement() == ("Bye", uuid)
    site.plug(LIDE, replace(site.order, faults=[]))
    assert site.wait_for_count(1) == [uuid]
    site.scan(uuid)
    site.daemon.stop()


def test_a_power_cycle_in_the_middle_of_a_page(site: UsbSite) -> None:
    """It is back before its old self has been taken off: the same scanner, one Hello after the Bye."""
    plug = site.bus.plug(V39)
    site.write(replace(site.order, faults=[Fault("read", "stall", line=100)]))
    site.daemon.start()
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    scan = site.client(uuid).start(*PAGE)
    site.wait_for_call("stall")
    site.bus.unplug(plug)
    site.plug(V39, replace(site.order, faults=[]))
    assert scan.end().status != 0
    assert [site.next_announcement() for _ in range(2)] == [("Bye", uuid), ("Hello", uuid)]
    assert site.wait_for_count(1) == [uuid]
    site.scan(uuid)
    assert site.no_announcement()
    site.daemon.stop()


def test_a_scanner_that_boots(site: UsbSite) -> None:
    """SANE does not list it when udev tells of it, and nothing tells when it is ready: it is found all the same."""
    site.daemon.start(scanners=0)
    site.write(replace(site.order, faults=[Fault("list", "hold")]), listed=False)
    site.bus.plug(LIDE)
    site.wait_for_call("hold")
    # That look has seen nothing. It ends now, and udev has nothing more to say.
    site.write(replace(site.order, faults=[]))
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    site.daemon.stop()


def test_a_scanner_that_does_not_answer_at_first(site: UsbSite) -> None:
    """It is there and cannot be opened yet: no Hello before it answers, and then one."""
    site.daemon.start(scanners=0)
    site.plug(LIDE, replace(site.order, faults=[Fault("open", "status", 9)]))
    site.wait_for_log("does not answer")
    assert site.scanners() == []
    site.write(replace(site.order, faults=[]))
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    assert site.no_announcement()
    site.daemon.stop()


def test_a_device_that_changes_its_ids_while_it_loads_firmware(site: UsbSite) -> None:
    """It vanishes while it is asked what it can do, and comes back as another: that one is served, with one Hello."""
    site.daemon.start(scanners=0)
    raw = site.plug(replace(LIDE, usb_id="04a9:0001"), replace(site.order, faults=[Fault("open", "hang")]))
    site.wait_for_call("hang")
    site.bus.unplug(raw)
    site.plug(LIDE, replace(site.order, faults=[]))
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    assert site.no_announcement()
    site.daemon.stop()


@pytest.mark.conformance(51, 53)
def test_two_equal_scanners(site: UsbSite) -> None:
    """Without serial numbers the port tells them apart, in whatever order they come back; both scan."""
    other_port = replace(LIDE, port="1-3")
    one, two = site.bus.plug(LIDE), site.bus.plug(other_port)
    site.write()
    site.daemon.start(scanners=2)
    first, second = site.wait_for_count(2)
    assert first != second
    site.unplug(one)
    assert site.wait_for_count(1) == [second]
    site.unplug(two)
    site.wait_for_count(0)
    site.plug(other_port)
    assert site.wait_for_count(1) == [second]
    site.plug(LIDE)
    assert site.wait_for_count(2) == [second, first]
    site.scan(first)
    site.scan(second)
    site.daemon.stop()


def test_a_scanner_with_a_serial_number_at_another_port(site: UsbSite) -> None:
    """Is the same scanner, also after a restart of the bridge."""
    plug = site.bus.plug(V39)
    site.write()
    site.daemon.start()
    (uuid,) = site.wait_for_count(1)
    site.unplug(plug)
    site.wait_for_count(0)
    site.plug(replace(V39, port="1-7.2"))
    assert site.wait_for_count(1) == [uuid]
    site.daemon.stop()
    site.daemon = site.new_daemon()
    site.daemon.start()
    assert site.wait_for_count(1) == [uuid]
    site.daemon.stop()


def test_the_virtual_scanner_gives_way(sites: Sites) -> None:
    """With scanner.virtual = "auto": it is there as long as there is no other, in the status and on the network."""
    with sites(virtual="auto") as site:
        site.daemon.start()
        (virtual,) = site.wait_for_count(1)
        assert site.next_announcement() == ("Hello", virtual)
        plug = site.plug(LIDE)
        (real,) = site.wait_for(lambda scanners: [each["uuid"] for each in scanners] not in ([virtual], []))
        assert site.next_announcement() == ("Bye", virtual)
        assert site.next_announcement() == ("Hello", real["uuid"])
        site.unplug(plug)
        site.wait_for(lambda scanners: [each["uuid"] for each in scanners] == [virtual])
        assert site.next_announcement() == ("Bye", real["uuid"])
        assert site.next_announcement() == ("Hello", virtual)
        site.daemon.stop()


@pytest.mark.conformance(54)
@pytest.mark.parametrize("buttons", [False, True], ids=["", "its buttons are watched"])
def test_a_scanner_gets_a_feeder(sites: Sites, buttons: bool) -> None:
    """udev tells of a change, or somebody reloads the service: Hello with a greater InstanceId, and the new source."""
    with sites(buttons=buttons) as site:
        gets_a_feeder(site, buttons)


def gets_a_feeder(site: UsbSite, buttons: bool) -> None:
    plug = site.bus.plug(LIDE)
    site.write(replace(site.order, sources=("Flatbed",), sensors=[Sensor("scan", [False])]))
    site.daemon.start()
    watched = "watching" if buttons else "off"
    site.wait_for(lambda scanners: [each["buttons"]["state"] for each in scanners] == [watched])
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    site.write(replace(site.order, sources=("Flatbed", "ADF")))
    site.bus.change(plug)
    assert site.next_announcement() == ("Hello", uuid)
    site.write(replace(site.order, sources=("Flatbed", "ADF", "ADF Duplex")))
    site.daemon.reload()
    assert site.next_announcement() == ("Hello", uuid)
    instances = [int(heard.envelope.find(".//{*}AppSequence").get("InstanceId")) for heard in site.announced.values()]
    assert instances[0] < instances[1] < instances[2]
    _, pages = site.client(uuid).batch("--source", "ADF Duplex", *PAGE)
    assert len(pages) == 2 * site.order.sheets
    site.wait_for(lambda scanners: [each["buttons"]["state"] for each in scanners] == [watched])
    site.daemon.stop()


@pytest.mark.conformance(270)
def test_subscribers_hear_the_end_before_bye(site: UsbSite) -> None:
    """The scanner has stopped, then each subscription ends because its source goes, then Bye; afterwards they may
    subscribe anew."""
    plug = site.bus.plug(LIDE)
    site.write()
    site.daemon.start()
    (uuid,) = site.wait_for_count(1)
    assert site.next_announcement() == ("Hello", uuid)
    url = f"http://10.99.0.1:{site.daemon.status()['http_port']}/{uuid}/scan"
    with site.pc.inside():
        pc = WaitingPc(url, site.pc.ipv4)
    with pc:
        with site.pc.inside():
            pc.subscribe()
        assert len(site.daemon.status()["subscriptions"]) == 2
        site.unplug(plug)
        heard: dict[str, list[etree._Element]] = {}
        for _ in range(3):
            message = pc.next_message()
            subscription = message.findtext(".//{*}Header/{*}Identifier").partition("attic-")[2]
            heard.setdefault(subscription, []).append(message)
        stopped, *_ = heard["ScannerStatusSummaryEvent"]
        assert stopped.findtext(".//{*}ScannerState") == "Stopped"
        assert stopped.findtext(".//{*}ScannerStateReason") == "AttentionRequired"
        for end in (heard["ScannerStatusSummaryEvent"][1], heard["ScanAvailableEvent"][0]):
            assert end.findtext(".//{*}SubscriptionEnd/{*}Status").endswith("/SourceShuttingDown")
            assert "not connected" in end.findtext(".//{*}SubscriptionEnd/{*}Reason")
        assert site.next_announcement() == ("Bye", uuid)
        site.wait_for_count(0)
        assert site.daemon.status()["subscriptions"] == []
        assert pc.no_more_events()
        site.plug(LIDE)
        site.wait_for_count(1)
        with site.pc.inside():
            pc.subscribe()
        assert len(site.daemon.status()["subscriptions"]) == 2
    site.daemon.stop()


def test_systemd_is_told_what_is_served(site: UsbSite) -> None:
    """The status line follows plug and unplug, a reload says the truth of its moment, and signs of life go on."""
    place = site.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place))
        systemd.settimeout(HANG_S)

        def told(wanted: str) -> str:
            """The next message with `wanted`; signs of life, which come all the time, are passed over else."""
            while wanted not in (message := systemd.recv(4096).decode()):
                assert message == "WATCHDOG=1", message
            return message

        site.daemon = site.new_daemon(NOTIFY_SOCKET=str(place), WATCHDOG_USEC="2000000")
        site.daemon.start(scanners=0)
        told("STATUS=looking for scanners")
        port = site.daemon.status()["http_port"]
        assert told("READY=1") == f"READY=1\nSTATUS=no scanner yet, port {port}"
        plug = site.plug(LIDE)
        served = f"STATUS=port {port}: Chaos Scanner ("
        assert told("STATUS=").startswith(served)
        assert [each["uuid"] for each in json.loads(site.get("/status.json"))["scanners"]] == site.wait_for_count(1)
        told("WATCHDOG=1")
        site.daemon.reload()
        told("RELOADING=1")
        assert served in told("READY=1")
        site.unplug(plug)
        assert told("STATUS=") == f"STATUS=no scanner yet, port {port}"
        told("WATCHDOG=1")
        site.daemon.reload()
        told("RELOADING=1")
        assert told("READY=1") == f"READY=1\nSTATUS=no scanner yet, port {port}"
        site.wait_for_count(0)
        assert json.loads(site.get("/status.json"))["scanners"] == []
        site.daemon.stop()


def test_a_played_bus_tells_what_udev_tells() -> None:
    """The fake of the unit tests and pyudev on umockdev's bus: the same devices, and the same events for the same."""
    with Bus() as bus:
        there = bus.plug(LIDE)
        listening = subprocess.Popen(
            [sys.executable, "-m", "tests.usb.udev_events"],
            cwd=REPOSITORY,
            env={**os.environ, **bus.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listening.stdout is not None
        devices = [UsbDevice(**device) for device in json.loads(listening.stdout.readline())]
        coming = bus.plug(NO_SCANNER)
        bus.change(there)
        bus.unplug(there)
        bus.unplug(coming)
        heard: list[UsbEvent] = []
        while len(heard) < 4:
            told = json.loads(listening.stdout.readline())
            event = UsbEvent(told["action"], UsbDevice(**told["device"]))
            # The umockdev of Debian 13 tells a removal twice, that of Debian 12 once.
            if heard[-1:] != [event]:
                heard.append(event)
        listening.communicate(timeout=HANG_S)
    path = "/devices/pci0000:00/0000:00:14.0/usb1"
    lide, other = UsbDevice(f"{path}/1-1", "1-1", True), UsbDevice(f"{path}/1-2", "1-2", False)
    played = PlayedUsb(lide)
    assert devices == played.devices()
    played.plug(other)
    played.change(lide)
    played.unplug(lide)
    played.unplug(other)
    expected = list(played.events())
    # What else a "remove" says depends on the kernel and on udev; only the path counts.
    assert [(event.action, event.device.path, event.device.port) for event in heard] == [
        (event.action, event.device.path, event.device.port) for event in expected
    ]
    assert heard[:2] == expected[:2]
