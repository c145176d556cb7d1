"""sane-airscan finds the bridge by multicast, from one machine to another, by IPv4 alone and by IPv6 alone.

    client and its D-Bus, 10.99.0.2 or fd99::2  ---- lan0 ----  bridge, 10.99.0.1 or fd99::1

The client needs a D-Bus for its discovery to start at all, though nothing on it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.comparison import assert_same_page
from tests.interop.conftest import Originals
from tests.interop.daemon import Daemon, running
from tests.interop.namespaces import INTERFACE, Cable, Host, available
from tests.interop.scanimage import Scanimage, discovery_configuration

pytestmark = pytest.mark.interop

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass(frozen=True)
class Lan:
    """A bridge, and a client on another machine that searches for it; `family` is 4 or 6."""

    family: int
    daemon: Daemon
    client: Scanimage
    server: Host


def bus(host: Host, directory: Path) -> str:
    """The address of a new D-Bus on `host`."""
    configuration = directory / "bus.conf"
    configuration.write_text(BUS.format(socket=directory / "bus"), encoding="utf-8")
    words = ("dbus-daemon", f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address=1")
    process = host.start(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address, "dbus-daemon did not start"
    return address


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def lan(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lan]:
    """Two machines that have addresses of one family only."""
    assert available(), "this test makes network namespaces: run it as root, with the program ip (package iproute2)"
    family: int = request.param
    with Cable() as cable:
        for host in (cable.first, cable.second):
            host.ip(f"-{10 - family} addr flush dev {INTERFACE}")
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": bus(cable.second, tmp_path)}
        settings = {"network": {"interfaces": []}}
        with running(Daemon(tmp_path, settings, launch=cable.first.start)) as daemon:
            folder = discovery_configuration(tmp_path)
            client = Scanimage(tmp_path, folder, launch=cable.second.start, environment=environment)
            yield Lan(family, daemon, client, cable.first)


@pytest.mark.conformance(58, 68, 74, 81, 83, 101, 102)
def test_the_scanner_is_found_and_scans(lan: Lan, originals: Originals) -> None:
    """A search on the network lists the scanner once, at its address, and the first device found gives a good page.

    By IPv6 the client asks from both its addresses and is answered at both, and takes the answer that came first.
    """
    global_ipv6, link_local = re.escape(lan.server.ipv6), re.escape(lan.server.link_local)
    address = re.escape(lan.server.ipv4) if lan.family == 4 else rf"(?:{global_ipv6}|{link_local}%\d+)"
    # Each searches for five seconds, so both at once.
    search, scan = lan.client.search(), lan.client.start("--mode", "Color", "--resolution", "75")
    ended = search.end()
    assert ended.status == 0, ended
    (line,) = ended.printed.split("\n\n")[0].splitlines()
    assert re.fullmatch(rf"device `airscan:w\d+:.+' is a WSD .+ ip={address}", line), line
    assert f"scanners are shown on {INTERFACE} (IPv{lan.family})" in lan.daemon.log
    assert_same_page(lan.client.page_of(scan), originals("Color", 75))
