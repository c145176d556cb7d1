"""What is made of udev's events."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.error import ConnectionLost
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from bridge.scanner import hotplug
from bridge.scanner.hotplug import MAX_EVENTS, SETTLE_S, Hotplug, UsbDevice
from tests.fakes.usb_events import PlayedUsb
from tests.harness import WireClock

HUB = UsbDevice("/devices/pci0/usb1", "usb1")
SCANNER = UsbDevice("/devices/pci0/usb1/1-1/1-1.2", "1-1.2", scanner=True)
KEYBOARD = UsbDevice("/devices/pci0/usb1/1-2", "1-2")


class Listener:
    """A Hotplug on a played bus; `heard` is what it told, in its order."""

    def __init__(self, *devices: UsbDevice) -> None:
        self.clock = WireClock()
        self.usb = PlayedUsb(*devices)
        self.heard: list[object] = []
        self.hotplug = Hotplug(self.clock, self.heard.append, self.heard.append, lambda: self.usb)
        self.hotplug.start()

    def read(self) -> None:
        assert self.hotplug in self.clock.readers
        self.hotplug.doRead()


def test_what_was_there_before_is_known() -> None:
    """And is no change."""
    listener = Listener(HUB, SCANNER)
    listener.clock.advance(10)
    assert (listener.hotplug.scanner_ports, listener.heard) == ({"1-1.2"}, [])


def test_many_events_are_one_change() -> None:
    """A hub brings its devices one after the other: they are told together when it is over."""
    listener = Listener()
    for device in (HUB, KEYBOARD, SCANNER):
        listener.usb.plug(device)
        listener.read()
        listener.clock.advance(SETTLE_S / 4)
    assert listener.heard == []
    listener.clock.advance(SETTLE_S / 4)
    assert listener.heard == [frozenset()]
    assert listener.hotplug.scanner_ports == {"1-1.2"}
    listener.clock.advance(10)
    assert listener.heard == [frozenset()]


def test_unplugging_is_told_at_once() -> None:
    """By the port that is remembered, and once more as a change when all is quiet."""
    listener = Listener(HUB, SCANNER)
    listener.usb.unplug(SCANNER)
    listener.read()
    assert listener.heard == ["1-1.2"]
    listener.clock.advance(SETTLE_S)
    assert listener.heard == ["1-1.2", frozenset()]
    assert listener.hotplug.scanner_ports == set()


def test_what_has_changed_on_a_device_is_told_with_its_port() -> None:
    """Once, however often it changes."""
    listener = Listener(HUB, SCANNER)
    listener.usb.change(SCANNER)
    listener.usb.change(SCANNER)
    listener.read()
    listener.clock.advance(SETTLE_S)
    listener.usb.plug(KEYBOARD)
    listener.read()
    listener.clock.advance(SETTLE_S)
    assert listener.heard == [frozenset({"1-1.2"}), frozenset()]


def test_lost_events_are_made_up_for() -> None:
    """The socket has overflowed: what is gone is found by comparing, and what has come by looking."""
    listener = Listener(HUB, SCANNER)
    listener.usb.unplug(SCANNER)
    listener.usb.plug(KEYBOARD)
    listener.usb.losing = True
    listener.read()
    assert listener.heard == ["1-1.2"]
    listener.clock.advance(SETTLE_S)
    assert listener.heard == ["1-1.2", frozenset()]


def test_a_storm_of_events_lets_others_have_their_turn() -> None:
    """At most MAX_EVENTS are taken at a time; the rest keeps the socket readable."""
    listener = Listener(SCANNER)
    for _ in range(MAX_EVENTS + 1):
        listener.usb.change(SCANNER)
    listener.read()
    assert len(listener.usb.waiting) == 1


def test_nothing_is_told_after_the_end() -> None:
    """Neither what was waiting nor what comes later."""
    listener = Listener(SCANNER)
    listener.usb.change(SCANNER)
    listener.read()
    listener.hotplug.stop()
    listener.clock.advance(10)
    assert (listener.heard, listener.clock.readers, listener.hotplug.fileno()) == ([], set(), -1)


def test_a_socket_that_breaks_is_told() -> None:
    """Twisted gives up a descriptor with an error: nothing is heard from then on, and the log says what follows."""
    listener = Listener(SCANNER)
    with capturedLogs() as logged:
        listener.hotplug.connectionLost(Failure(ConnectionLost()))
    assert listener.clock.readers == set()
    assert ["by a reload" in entry["effect"] for entry in logged] == [True]


def test_a_listener_may_stop_it_in_the_middle() -> None:
    """What is in the socket is nobody's any more."""
    clock, usb = WireClock(), PlayedUsb(SCANNER, KEYBOARD)
    heard: list[str] = []

    def unplugged(port: str) -> None:
        heard.append(port)
        listening.stop()

    listening = Hotplug(clock, lambda _altered: None, unplugged, lambda: usb)
    listening.start()
    usb.unplug(SCANNER)
    usb.unplug(KEYBOARD)
    listening.doRead()
    assert heard == ["1-1.2"]


def test_a_machine_without_udev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bridge works without; only what is plugged in later is not seen."""

    def refuse() -> PlayedUsb:
        raise OSError("no netlink here")

    clock = WireClock()
    deaf = Hotplug(clock, lambda _altered: None, lambda _port: None, refuse)
    deaf.start()
    deaf.stop()
    assert (deaf.scanner_ports, clock.readers) == (set(), set())
    monkeypatch.setattr(hotplug, "UDEV_RUNS", str(tmp_path / "control"))
    Listener().hotplug.stop()
