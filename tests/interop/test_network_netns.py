"""The network changes under the whole daemon, which runs on a machine of its own (network namespaces):

    client 10.99.0.2  ---- lan0 ----  bridge 10.99.0.1       the cable that is pulled, the address that changes
    client 10.98.0.2  ---- lan1 ----  bridge 10.98.0.1       where somebody scans meanwhile

Nothing polls: what happens here is noticed because the kernel tells it.
"""

from __future__ import annotations

import re
import select
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge.discovery.changes import SETTLE_S, NetworkChanges, open_rtnetlink
from tests.harness import WireClock
from tests.interop.daemon import Daemon
from tests.interop.discovery_client import PATIENCE_S, PORT, QUIET_S, Client, Heard
from tests.interop.namespaces import INTERFACE, Cable
from tests.interop.scanimage import Scanimage, slow_scanner, static_client

pytestmark = pytest.mark.interop

OTHER = "lan1"
PAGE = ("--mode", "Gray", "--resolution", "75")
LONG_PAGE = ("--mode", "Gray", "--resolution", "1200")


class Site:
    """The bridge and a client, joined by one cable, or by two from `lay` on."""

    def __init__(self, cable: Cable, directory: Path) -> None:
        self.bridge, self.pc = cable.first, cable.second
        self.directory = directory
        settings = {"network": {"interfaces": []}}
        settings["scanner"] = {"virtual": "never", "sane_config_dir": slow_scanner(directory)}
        self.daemon = Daemon(directory, settings, launch=self.bridge.start)

    def lay(self) -> None:
        """Lay the other cable."""
        self.bridge.ip(f"link add name {OTHER} type veth peer name {OTHER} netns {self.pc.name}")
        for host, number in ((self.pc, 2), (self.bridge, 1)):
            host.ip(f"link set {OTHER} addrgenmode none")
            host.ip(f"link set {OTHER} up")
            host.ip(f"addr add 10.98.0.{number}/24 dev {OTHER}")

    def client(self, address: str) -> Scanimage:
        """sane-airscan on the PC, which was told the bridge's `address`."""
        parts = urlsplit(self.daemon.url)
        return static_client(self.directory, f"http://{address}:{parts.port}{parts.path}", launch=self.pc.start)

    def listener(self, family: socket.AddressFamily = socket.AF_INET, interface: str = INTERFACE) -> Client:
        """Somebody on the PC who hears Hello."""
        return Client(self.pc, family, interface).join()

    def wait_for_sockets(self, ipv4: int, ipv6: int) -> None:
        """Return when so many sockets of discovery are open on the bridge's machine."""
        wanted = (ipv4, ipv6)
        self.daemon.wait_for(lambda _: (self.discovery_sockets(), self.discovery_sockets("udp6")) == wanted)

    def discovery_sockets(self, family: str = "udp") -> int:
        """How many sockets there are at port 3702 on the bridge's machine; `family` is udp or udp6."""
        with self.bridge.inside():
            lines = Path(f"/proc/thread-self/net/{family}").read_text("ascii").splitlines()[1:]
        return sum(int(line.split()[1].rpartition(":")[2], 16) == PORT for line in lines)

    def wait_for_log(self, text: str) -> None:
        self.daemon.wait_for(lambda _scanner: text in self.daemon.log)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Cable() as cable:
        site = Site(cable, tmp_path)
        yield site


def hello(heard: Heard) -> bool:
    return heard.action == "Hello"


@pytest.mark.conformance(93)
def test_the_cable_is_pulled_out_and_put_back(site: Site) -> None:
    """Without its carrier an interface is none; with it there is a new Hello, and scanning works."""
    site.daemon.start()
    site.pc.ip(f"link set {INTERFACE} down")
    site.wait_for_log(f"no longer shown on {INTERFACE} (IPv6)")
    site.wait_for_sockets(0, 0)
    listener = site.listener()
    site.pc.ip(f"link set {INTERFACE} up")
    assert listener.next(hello).text("wsd:XAddrs").startswith("http://10.99.0.1:")
    site.wait_for_sockets(1, 1)
    site.client("10.99.0.1").page(*PAGE)
    site.daemon.stop()


@pytest.mark.conformance(93)
def test_an_address_changes_while_somebody_scans_elsewhere(site: Site) -> None:
    """Hello with the new address; the transfer on the other cable goes on to its end, and Hello is not heard there."""
    site.lay()
    site.daemon.start()
    scan = site.client("10.98.0.1").start("--mode", "Gray", "--resolution", "200")
    site.daemon.wait_for(lambda scanner: scanner["state"] == "Processing")
    site.pc.ip(f"addr add 10.77.0.2/24 dev {INTERFACE}")
    listener, bystander = site.listener(), site.listener(interface=OTHER)
    bystander.drain()
    site.bridge.ip(f"addr del 10.99.0.1/24 dev {INTERFACE}")
    site.bridge.ip(f"addr add 10.77.0.1/24 dev {INTERFACE}")
    new = listener.next(lambda heard: heard.source[0] == "10.77.0.1")
    assert new.action == "Hello"
    assert new.text("wsd:XAddrs").startswith("http://10.77.0.1:")
    with pytest.raises(TimeoutError):
        bystander.next(lambda heard: heard.source[0] == "10.98.0.1", patience=QUIET_S)
    assert site.daemon.scanner()["active_jobs"]
    site.wait_for_sockets(2, 1)
    page = site.client("10.98.0.1").page_of(scan)
    assert page.shape[0] > 2000
    site.client("10.77.0.1").page(*PAGE)
    site.daemon.stop()


def test_a_client_of_an_address_that_is_gone_holds_the_scanner_no_longer(site: Site) -> None:
    """Its job is ended at once, and the next one, on the other cable, is served."""
    site.lay()
    site.daemon.start()
    lost = site.client("10.99.0.1").start(*LONG_PAGE)
    site.daemon.wait_for(lambda scanner: scanner["state"] == "Processing")
    site.bridge.ip(f"addr del 10.99.0.1/24 dev {INTERFACE}")
    scanner = site.daemon.wait_for(lambda scanner: scanner["history"])
    lost.abandon()
    assert (scanner["history"][-1]["state"], scanner["history"][-1]["reasons"]) == ("Aborted", ["ImageTransferError"])
    assert "the address 10.99.0.1 is gone" in site.daemon.log
    site.client("10.98.0.1").page(*PAGE)
    site.daemon.stop()


@pytest.mark.conformance(93)
def test_an_interface_is_added(site: Site) -> None:
    """A second network card is served as soon as it has an address."""
    site.daemon.start()
    site.bridge.ip(f"link add name {OTHER} type veth peer name {OTHER} netns {site.pc.name}")
    site.pc.ip(f"link set {OTHER} up")
    site.pc.ip(f"addr add 10.98.0.2/24 dev {OTHER}")
    listener = site.listener(interface=OTHER)
    site.bridge.ip(f"link set {OTHER} up")
    site.bridge.ip(f"addr add 10.98.0.1/24 dev {OTHER}")
    assert listener.next(hello).text("wsd:XAddrs").startswith("http://10.98.0.1:")
    site.client("10.98.0.1").page(*PAGE)
    site.bridge.ip(f"link del {OTHER}")
    site.wait_for_log(f"no longer shown on {OTHER} (IPv4)")
    site.wait_for_sockets(1, 1)
    site.client("10.99.0.1").page(*PAGE)
    site.daemon.stop()


@pytest.mark.conformance(82, 83, 93)
def test_ipv6_alone(site: Site) -> None:
    """IPv4 goes, IPv6 stays: no more Hello than before, and scanning by IPv6. A new prefix is a new Hello."""
    listener = site.listener(socket.AF_INET6)
    site.daemon.start()
    assert listener.next(hello).text("wsd:XAddrs").startswith("http://[fe80::99:1]:")
    site.bridge.ip(f"addr del 10.99.0.1/24 dev {INTERFACE}")
    site.wait_for_log(f"no longer shown on {INTERFACE} (IPv4)")
    site.client("[fd99::1]").page(*PAGE)
    site.bridge.ip(f"addr del fd99::1/64 dev {INTERFACE}")
    site.bridge.ip(f"addr add fd77::1/64 dev {INTERFACE} nodad")
    site.pc.ip(f"addr add fd77::2/64 dev {INTERFACE} nodad")
    site.client("[fd77::1]").page(*PAGE)
    site.daemon.stop()


def test_a_machine_that_starts_without_any_network(site: Site) -> None:
    """An address by duplicate address detection, as IPv6 makes them, counts when that is over."""
    site.bridge.ip(f"addr flush dev {INTERFACE}")
    site.daemon.start()
    listener = site.listener(socket.AF_INET6)
    site.bridge.ip(f"addr add {site.bridge.link_local}/64 dev {INTERFACE}")
    assert listener.next(hello).source[0] == site.bridge.link_local
    site.daemon.stop()


def test_more_messages_than_the_socket_holds(site: Site) -> None:
    """The kernel throws them away and says so: that is a change like any other, and the next one is heard."""
    with site.bridge.inside():
        opened = open_rtnetlink()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    clock, told = WireClock(), []
    watch = NetworkChanges(clock, lambda: told.append(None), lambda: opened)
    watch.start()
    for times in (200, 1):
        batch = f"link set {INTERFACE} mtu 1400\nlink set {INTERFACE} mtu 1500\n" * times
        subprocess.run(["ip", "-n", site.bridge.name, "-batch", "-"], input=batch, text=True, check=True)
        assert select.select([watch], [], [], PATIENCE_S)[0] == [watch]
        watch.doRead()
        clock.advance(SETTLE_S)
    watch.stop()
    assert len(told) == 2


def test_a_cable_with_a_bad_contact_makes_no_storm(site: Site) -> None:
    """However often it goes, there are only so many looks at the network, and scanning works after it."""
    site.daemon.start()
    flaps = 200
    batch = f"link set {INTERFACE} down\nlink set {INTERFACE} up\n" * flaps
    subprocess.run(["ip", "-n", site.pc.name, "-batch", "-"], input=batch, text=True, check=True)
    site.client("10.99.0.1").page(*PAGE)
    shown = len(re.findall(r"are shown on lan0 \(IPv4\)", site.daemon.log))
    assert 1 <= shown < flaps / 4
    site.daemon.stop()
