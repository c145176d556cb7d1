"""USB devices that come and go: udev's events in the reactor, without polling (pyudev).

Only where a device is and whether it may be a scanner is taken from udev. What the scanners are, a fresh listing
process tells, for which these events are the occasion.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pyudev
from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

SETTLE_S = 1.0
"""From the first event until `changed`: a hub brings all its devices, and a scanner that boots comes and goes."""

MAX_EVENTS = 64
"""Events taken from the socket before the reactor has its turn."""

UDEV_RUNS = "/run/udev/control"
"""There while udev's daemon works."""


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A USB device. `path` is the kernel's for it, `port` where it is plugged in ("1-1.2").

    `scanner` says whether libsane's rules know it as a scanner.
    """

    path: str
    port: str
    scanner: bool = False


@dataclass(frozen=True, slots=True)
class UsbEvent:
    """What happened to a device: "add", "remove", "change" and some more."""

    action: str
    device: UsbDevice


class UsbEvents(Protocol):
    """Where events come from: a socket that is readable when there are any."""

    def fileno(self) -> int:
        """The socket's number."""

    def devices(self) -> list[UsbDevice]:
        """The devices that are plugged in now. Raises OSError."""

    def events(self) -> Iterator[UsbEvent]:
        """What has happened and was not told yet; ends when there is no more. Raises OSError when events were lost."""


class Udev:
    """The events of this machine's udev. Raises OSError when its socket cannot be opened."""

    def __init__(self) -> None:
        self._context = pyudev.Context()
        self._monitor = pyudev.Monitor.from_netlink(self._context, "udev")
        self._monitor.filter_by("usb", "usb_device")
        self._monitor.start()

    def fileno(self) -> int:
        """The netlink socket's number."""
        number: int = self._monitor.fileno()
        return number

    def devices(self) -> list[UsbDevice]:
        """What udev knows of the devices that are plugged in."""
        return [_usb_device(each) for each in self._context.list_devices(subsystem="usb", DEVTYPE="usb_device")]

    def events(self) -> Iterator[UsbEvent]:
        """The events in the socket."""
        while (device := self._monitor.poll(timeout=0)) is not None:
            yield UsbEvent(device.action or "", _usb_device(device))


@implementer(IReadDescriptor)
class Hotplug:
    """Hears of USB devices.

    `unplugged` gets the port of a device at the moment when it goes. `changed` is called SETTLE_S after the first of
    any number of events, with the ports of devices of which something has changed while they stayed. An event "remove"
    tells little of its device, so devices are remembered by their path from the moment when they come.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        changed: Callable[[frozenset[str]], None],
        unplugged: Callable[[str], None],
        connect: Callable[[], UsbEvents] = Udev,
    ) -> None:
        self._reactor = reactor
        self._changed = changed
        self._unplugged = unplugged
        self._connect = connect
        self._source: UsbEvents | None = None
        self._known: dict[str, UsbDevice] = {}
        self._altered: set[str] = set()
        self._settling: IDelayedCall | None = None

    @property
    def scanner_ports(self) -> set[str]:
        """Where devices are plugged in that libsane's rules know as scanners."""
        return {device.port for device in self._known.values() if device.scanner}

    def start(self) -> None:
        """Listen from now on. Without udev there is nothing to hear, which is told in the log."""
        try:
            self._source = source = self._connect()
            self._known = {device.path: device for device in source.devices()}
        except OSError as error:
            self._source = None
            self.log.warn("{effect}: {error}", effect=_DEAF, error=str(error))
            return
        if not os.path.exists(UDEV_RUNS):
            self.log.warn("{effect}: udev does not run here", effect=_DEAF)
        self._reactor.addReader(self)

    def stop(self) -> None:
        """Listen no more."""
        if self._source is not None:
            self._reactor.removeReader(self)
            self._source = None
        if self._settling is not None and self._settling.active():
            self._settling.cancel()

    # -- IReadDescriptor -------------------------------------------------------------------------

    def fileno(self) -> int:
        """The number of the socket, -1 when it is closed."""
        return -1 if self._source is None else self._source.fileno()

    def doRead(self) -> None:
        """Twisted calls this when there are events."""
        assert self._source is not None
        try:
            for count, event in enumerate(self._source.events(), 1):
                self._take(event)
                if count == MAX_EVENTS or self._source is None:
                    # What is left keeps the socket readable.
                    return
        except OSError as error:
            self.log.info("events of USB devices were lost ({error}): they are looked at anew", error=str(error))
            self._look_anew()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted calls this when the descriptor is of no use any more."""
        self.stop()
        self.log.warn("{effect}: {error}", effect=_DEAF, error=reason.getErrorMessage())

    def logPrefix(self) -> str:
        """What Twisted calls this in its log."""
        return "hotplug"

    # -- inside ----------------------------------------------------------------------------------

    def _take(self, event: UsbEvent) -> None:
        device = event.device
        if event.action == "remove":
            gone = self._known.pop(device.path, device)
            self._settle()
            self._unplugged(gone.port)
            return
        if event.action == "change":
            self._altered.add(device.port)
        if event.action in ("add", "change") or device.path not in self._known:
            self._settle()
        self._known[device.path] = device

    def _look_anew(self) -> None:
        """Compare what is there with what is known: nobody can know what the lost events said."""
        assert self._source is not None
        try:
            present = {device.path: device for device in self._source.devices()}
        except OSError as error:
            self.log.warn(
                "USB devices cannot be looked at: {error}. Scanners that come now are found after a reload "
                "(systemctl reload scanbridge)",
                error=str(error),
            )
            present = self._known
        gone = [device for path, device in self._known.items() if path not in present]
        self._known = present
        self._settle()
        for device in gone:
            self._unplugged(device.port)

    def _settle(self) -> None:
        if self._settling is None or not self._settling.active():
            self._settling = self._reactor.callLater(SETTLE_S, self._settled)

    def _settled(self) -> None:
        altered, self._altered = frozenset(self._altered), set()
        self._changed(altered)


_DEAF = "scanners that are plugged in later are found by a reload or restart only"


def _usb_device(device: Any) -> UsbDevice:
    return UsbDevice(device.device_path, device.sys_name, device.properties.get("libsane_matched") == "yes")
