"""The package's life: upgrade, removal, installation anew, purge. These come last: they take the service away."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from tests.interop.discovery_client import NS, Client, Heard
from tests.interop.scanimage import static_client
from tests.system.machine import PACKAGES, SETTINGS, Machine

KEEP = ("-q", "-y", "-o", "Dpkg::Options::=--force-confold")
"""Nobody is there to be asked which settings file to keep."""

QUIRKS = "/etc/scanbridge/quirks.d/own.toml"
SMALL = ("--mode", "Gray", "--resolution", "75")


def test_autopkgtest(machine: Machine) -> None:
    """The package's own tests pass on the machine, the one that wants a machine of its own too."""
    machine.run("sh", "-c", "apt-get -q -y install autopkgtest sane-airscan sane-utils")
    options = "--no-built-binaries --ignore-restrictions=isolation-container"
    told = machine.run("sh", "-c", f"autopkgtest {options} {PACKAGES}/source/ -- null 2>&1")
    assert set(re.findall(r"^(\w+) +(\w+)$", told, re.MULTILINE)) == {("scan", "PASS"), ("service", "PASS")}


def test_upgrade(machine: Machine, tmp_path: Path) -> None:
    """An upgrade from the version before brings the new program, and keeps identity and settings."""
    newest = machine.version()
    machine.run("apt-get", "-q", "-y", "purge", "scanbridge")
    machine.run("sh", "-c", f"apt-get -q -y install {PACKAGES}/before/scanbridge_*_all.deb")
    assert machine.version() != newest
    machine.write(SETTINGS, '[scanner]\nlocation = "attic"\n')
    machine.write(QUIRKS, '[[scanner]]\nmodel = ["Nobody\'s"]\npage_sensor = false\n')
    machine.restart()
    uuid, url, pid = machine.scanner()["uuid"], machine.url, machine.show("MainPID")
    scan = static_client(tmp_path, url, machine.client.start)
    assert scan.page(*SMALL).size
    before = Client(machine.client, socket.AF_INET).find()

    machine.run("sh", "-c", f"apt-get {' '.join(KEEP)} install {PACKAGES}/scanbridge_*_all.deb")

    assert machine.version() == newest
    assert machine.serves()
    assert machine.show("MainPID") != pid
    assert (machine.scanner()["uuid"], machine.url) == (uuid, url)
    assert machine.run("cat", SETTINGS) == '[scanner]\nlocation = "attic"\n'
    assert "Nobody's" in machine.run("cat", QUIRKS)
    after = Client(machine.client, socket.AF_INET).find()
    assert instance(after) > instance(before)
    assert scan.page(*SMALL).size


def instance(heard: Heard) -> int:
    """The InstanceId in a message of the scanner: it must grow with each start."""
    sequence = heard.envelope.find(".//wsd:AppSequence", NS)
    assert sequence is not None
    return int(sequence.get("InstanceId", ""))


def test_an_upgrade_leaves_a_disabled_service_off(machine: Machine) -> None:
    """Who has disabled the service finds it disabled and stopped after the next upgrade."""
    machine.run("systemctl", "disable", "--now", "scanbridge.service")

    machine.run("sh", "-c", f"apt-get {' '.join(KEEP)} --allow-downgrades install {PACKAGES}/scanbridge_*_all.deb")

    assert machine.try_run("systemctl", "is-enabled", "scanbridge.service").stdout.strip() == "disabled"
    machine.run("systemctl", "enable", "--now", "scanbridge.service")


def test_remove_keeps_identity_and_settings(machine: Machine) -> None:
    """After removal nothing runs and the program is gone; installed again, it is the same scanner as before."""
    before = machine.scanner()["uuid"]

    machine.run("apt-get", "-q", "-y", "remove", "scanbridge")

    assert machine.try_run("systemctl", "status", "scanbridge.service").returncode == 4
    for path in ("/usr/bin/scanbridge", "/usr/share/scanbridge", "/run/scanbridge"):
        assert machine.try_run("ls", "-d", path).returncode != 0, path
    assert "attic" in machine.run("cat", SETTINGS)
    machine.run("sh", "-c", f"apt-get {' '.join(KEEP)} install {PACKAGES}/scanbridge_*_all.deb")
    assert machine.serves()
    assert machine.scanner()["uuid"] == before


def test_purge_leaves_nothing(machine: Machine) -> None:
    """After a purge there is no file of ours; the user stays, as Debian has it, so that its number is not reused."""
    machine.run("apt-get", "-q", "-y", "purge", "scanbridge")

    folders = ("/boot", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/usr", "/var/lib")
    assert machine.run("find", *folders, "-name", "*scanbridge*", "-not", "-path", "/var/lib/systemd/*") == ""
    assert machine.run("getent", "passwd", "_scanbridge")
