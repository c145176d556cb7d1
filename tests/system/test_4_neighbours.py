"""Other programs on the same machine: firewalls that let us through, other hosts of WSD, and SANE's own server.

Who gets the scanner itself when two want it needs a scanner on USB: tests/system/vm.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import wsd_client
from tests.interop.discovery_client import Client
from tests.interop.scanimage import Scanimage
from tests.system.machine import UNIT, Machine

PAGE = ("--mode", "Gray", "--resolution", "75")
SAMBA = "/run/systemd/system/smbd.service"
HTTP_PATIENCE_S = 3.0
"""So long a connection is tried before it counts as dropped."""


@pytest.fixture
def firewalld(machine: Machine) -> Iterator[None]:
    """A firewalld that runs with its own defaults."""
    machine.run("sh", "-c", "apt-get -q -y install firewalld")
    machine.until(lambda: machine.try_run("firewall-cmd", "--state").returncode == 0)
    yield
    machine.run("sh", "-c", "apt-get -q -y purge firewalld")
    machine.until(lambda: reached(machine))


@pytest.fixture
def ufw(machine: Machine) -> Iterator[None]:
    """An ufw that is on, with its own defaults."""
    machine.run("sh", "-c", "apt-get -q -y install ufw")
    machine.run("ufw", "--force", "enable")
    yield
    machine.run("ufw", "disable")
    machine.run("sh", "-c", "apt-get -q -y purge ufw")
    machine.until(lambda: reached(machine))


def found(machine: Machine) -> bool:
    """Whether a computer on the network finds the scanner by multicast."""
    client = Client(machine.client, socket.AF_INET)
    client.ask(wsd_client.probe())
    return not client.silence()


def reached(machine: Machine) -> bool:
    """Whether a computer on the network reaches the HTTP port."""
    with machine.client.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(HTTP_PATIENCE_S)
        try:
            connection.connect((machine.address, 8018))
        except OSError:
            return False
    return True


def test_firewalld(machine: Machine, firewalld: None, client: Scanimage) -> None:
    """firewalld knows our service, shuts us off without it, and lets clients find the scanner and scan with it."""
    assert machine.run("firewall-cmd", "--check-config").strip() == "success"
    ports = machine.run("firewall-cmd", "--permanent", "--service=scanbridge", "--get-ports").split()
    assert sorted(ports) == ["3702/udp", "8018/tcp"]
    assert not reached(machine)
    assert not found(machine)

    machine.run("firewall-cmd", "--add-service=scanbridge")

    assert found(machine)
    assert client.page(*PAGE).size


def test_ufw(machine: Machine, ufw: None, client: Scanimage) -> None:
    """ufw knows our application, shuts us off without it, and lets clients find the scanner and scan with it."""
    told = machine.run("ufw", "app", "info", "Scanbridge").split()
    assert {"3702/udp", "8018/tcp"} <= set(told)
    assert not reached(machine)
    assert not found(machine)

    machine.run("ufw", "allow", "Scanbridge")

    assert found(machine)
    assert client.page(*PAGE).size


def test_another_host_of_wsd(machine: Machine, client: Scanimage) -> None:
    """wsdd (Debian 12) or wsdd2 (Debian 13) shows the machine as a computer; both share port 3702, whoever is first."""
    name = "wsdd" if "bookworm" in machine.run("cat", "/etc/os-release") else "wsdd2"
    if name == "wsdd2":
        # It starts with Samba alone, which is not needed here.
        machine.write(SAMBA, "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n")
        machine.run("systemctl", "daemon-reload")
    machine.run("sh", "-c", f"apt-get -q -y install {name}")
    for first, second in ((UNIT, name), (name, UNIT)):
        machine.run("systemctl", "stop", UNIT, name)
        machine.run("systemctl", "start", first)
        machine.run("systemctl", "start", second)
        machine.until(lambda: {b"ScanDeviceType", b"Computer"} <= kinds(machine))
        assert client.page(*PAGE).size
        assert machine.try_run("systemctl", "is-failed", UNIT, name).returncode != 0
    machine.run("sh", "-c", f"apt-get -q -y purge {name}")


def kinds(machine: Machine) -> set[bytes]:
    """What kinds of device answer when a computer on the network asks for all of them."""
    client = Client(machine.client, socket.AF_INET)
    client.ask(wsd_client.probe())
    heard = []
    try:
        while True:
            heard.append(client.next(patience=1.5).data)
    except TimeoutError:
        return {kind for kind in (b"ScanDeviceType", b"Computer") for data in heard if kind in data}


def test_saned(machine: Machine, client: Scanimage, tmp_path: Path) -> None:
    """saned serves the machine's scanners beside us, each program with its own clients; we never serve saned's."""
    machine.run("sh", "-c", "apt-get -q -y install sane-utils")
    machine.write("/etc/sane.d/dll.d/virtual", "test\n")
    machine.write("/etc/sane.d/saned.conf", "10.99.0.0/24\n")
    machine.write("/etc/sane.d/net.conf", "localhost\n")
    # saned lets nobody in unless the machine knows the address of its own name.
    machine.run("sh", "-c", "echo 127.0.1.1 $(hostname) >>/etc/hosts")
    machine.run("systemctl", "start", "saned.socket")
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "dll.conf").write_text("net\n", encoding="ascii")
    (folder / "net.conf").write_text(f"{machine.address}\n", encoding="ascii")
    other = Scanimage(tmp_path, str(folder), f"net:{machine.address}:test:0", launch=machine.client.start)
    machine.restart()

    assert other.page("--mode=Gray", "--resolution=75").size
    assert client.page(*PAGE).size
    assert [scanner["name"] for scanner in machine.status()["scanners"]] == ["Noname frontend-tester (bridge)"]

    machine.run("systemctl", "stop", "saned.socket")
    machine.run("rm", "/etc/sane.d/dll.d/virtual")
