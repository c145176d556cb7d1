"""A bridge on one machine and a PC on another, and a USB bus with scanners that a test plugs in and unplugs:

    PC 10.99.0.2  ---- lan0 ----  bridge 10.99.0.1  ---- umockdev's USB bus ---- scanners of the chaos backend

udev's events, sysfs, the listing processes, libsane and the network are real; the devices are played.
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.chaos.order import Order, calls_by_process, write_order
from tests.interop.comparison import Page
from tests.interop.daemon import HANG_S, Daemon, survivors
from tests.interop.discovery_client import Client, Heard
from tests.interop.namespaces import Cable
from tests.interop.scanimage import Scanimage, static_client
from tests.usb.bus import Bus, Plug

LIDE = Plug("1-1", "04a9:190f")
"""Tells no serial number."""

V39 = Plug("1-2", "04b8:013d", serial="E0815")
"""Tells one."""

PAGE = ("--mode", "Gray", "--resolution", "75")


class UsbSite:
    """`order` says how the scanners behave; `announced` remembers each Hello and Bye that the PC has heard."""

    def __init__(self, cable: Cable, bus: Bus, directory: Path, library: Path, settings: Mapping[str, Any]) -> None:
        self.bus = bus
        self.pc = cable.second
        self.directory = directory
        self.chaos = directory / "chaos"
        self.chaos.mkdir()
        self.order = Order(resolutions=(75, 150, 1200))
        self.announced: dict[str, Heard] = {}
        self.write()
        self._bridge = cable.first
        self._settings = {"virtual": "never", "sane_config_dir": str(self.chaos), **settings}
        self._searched = [str(library.parent), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        self.daemon = self.new_daemon()
        self._listener = Client(self.pc, socket.AF_INET).join()

    # -- scanners --------------------------------------------------------------------------------

    def write(self, order: Order | None = None, *, listed: bool = True) -> None:
        """Put `order`, or the present one, into force for the scanners that are plugged in; SANE may not list them."""
        self.order = order or self.order
        names = [plug.name for plug in self.bus.plugged if plug.scanner and listed]
        write_order(self.chaos, replace(self.order, devices=0, names=names))

    def plug(self, plug: Plug, order: Order | None = None) -> Plug:
        """Plug a scanner in."""
        # SANE must list it at the moment when udev tells of it, as with a real one.
        plugged = self.bus.number(plug)
        self.write(order)
        self.bus.tell(plugged)
        return plugged

    def unplug(self, plug: Plug) -> None:
        """Pull a scanner out."""
        self.bus.unplug(plug)
        self.write()

    # -- the bridge ------------------------------------------------------------------------------

    def new_daemon(self, **environment: str) -> Daemon:
        """The bridge, to be started: the same as before, if it was there before."""
        return Daemon(
            self.directory,
            {"network": {"interfaces": []}, "scanner": self._settings},
            launch=self._bridge.start,
            environment={**self.bus.environment, "LD_LIBRARY_PATH": ":".join(self._searched), **environment},
        )

    def scanners(self) -> list[dict[str, Any]]:
        """The scanners in `status`."""
        scanners = self.daemon.status()["scanners"]
        assert isinstance(scanners, list)
        return scanners

    def wait_for(self, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The scanners in `status` as soon as `condition` holds for them."""
        hang = time.monotonic() + HANG_S
        while not condition(scanners := self.scanners()):
            assert time.monotonic() < hang, f"this did not come: {scanners}\n{self.daemon.log}"
            time.sleep(0.01)
        return scanners

    def wait_for_count(self, count: int) -> list[str]:
        """The UUIDs of the scanners when there are `count`."""
        return [scanner["uuid"] for scanner in self.wait_for(lambda scanners: len(scanners) == count)]

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Return when the log has `text`, so often."""
        self.wait_for(lambda _scanners: self.daemon.log.count(text) >= times)

    def calls(self, call: str) -> int:
        """How often the backend has written `call` down."""
        return [said for _, said in calls_by_process(self.chaos)].count(call)

    def wait_for_call(self, call: str) -> None:
        """Return when the backend has written `call` down."""
        self.wait_until(lambda: self.calls(call) > 0, call)

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Return when `condition` holds, which is `what`."""
        hang = time.monotonic() + HANG_S
        while not condition():
            assert time.monotonic() < hang, f"{what} did not come:\n{self.daemon.log}"
            time.sleep(0.01)

    def processes(self) -> list[int]:
        """The process ids of the bridge and of all that it has started and that still lives."""
        return [pid for pid, _ in survivors(self.daemon.mark)]

    # -- the PC ----------------------------------------------------------------------------------

    def client(self, uuid: str) -> Scanimage:
        """sane-airscan, told the URL of a scanner."""
        url = f"http://10.99.0.1:{self.daemon.status()['http_port']}/{uuid}/scan"
        return static_client(self.directory, url, launch=self.pc.start)

    def scan(self, uuid: str) -> Page:
        """A page."""
        return self.client(uuid).page(*PAGE)

    def http_status(self, path: str) -> int:
        """The status of the answer to a POST to `path`, which has nothing in it."""
        return self._request("POST", path)[0]

    def get(self, path: str) -> bytes:
        """The page at `path`."""
        return self._request("GET", path)[1]

    def _request(self, method: str, path: str) -> tuple[int, bytes]:
        port = self.daemon.status()["http_port"]
        connection = http.client.HTTPConnection("10.99.0.1", port)
        connection.sock = self.pc.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.sock.settimeout(HANG_S)
        connection.sock.connect(("10.99.0.1", port))
        try:
            connection.request(method, path, b"", {"Content-Type": "application/soap+xml"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def next_announcement(self) -> tuple[str, str]:
        """The next Hello or Bye, repeats passed over: its name and the UUID."""
        heard = self._listener.next(
            lambda heard: heard.action in ("Hello", "Bye") and heard.text("wsa:MessageID") not in self.announced
        )
        self.announced[heard.text("wsa:MessageID")] = heard
        return heard.action, heard.text("wsa:EndpointReference/wsa:Address").removeprefix("urn:uuid:")

    def no_announcement(self) -> bool:
        """Whether nothing but repeats comes for as long as any answer may take."""
        before = len(self.announced)
        while True:
            try:
                heard = self._listener.next(patience=1.5)
            except TimeoutError:
                return len(self.announced) == before
            if heard.action in ("Hello", "Bye"):
                self.announced[heard.text("wsa:MessageID")] = heard


@contextmanager
def usb_site(directory: Path, library: Path, **settings: Any) -> Iterator[UsbSite]:
    """A site, not started yet; `settings` are those of the section [scanner]."""
    with Cable() as cable, Bus() as bus:
        yield UsbSite(cable, bus, directory, library, settings)
