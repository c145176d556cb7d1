"""The package's life: upgrade, removal, installation anew, purge. These come last: they take the service away."""

from __future__ import annotations

import re

from tests.system.machine import PACKAGES, SETTINGS, Machine

KEEP = ("-q", "-y", "-o", "Dpkg::Options::=--force-confold")
"""Nobody is there to be asked which settings file to keep."""


def test_autopkgtest(machine: Machine) -> None:
    """The package's own tests pass on the machine, the one that wants a machine of its own too."""
    machine.run("sh", "-c", "apt-get -q -y install autopkgtest sane-airscan sane-utils")
    options = "--no-built-binaries --ignore-restrictions=isolation-container"
    told = machine.run("sh", "-c", f"autopkgtest {options} {PACKAGES}/source/ -- null 2>&1")
    assert set(re.findall(r"^(\w+) +(\w+)$", told, re.MULTILINE)) == {("scan", "PASS"), ("service", "PASS")}


def test_upgrade(machine: Machine) -> None:
    """An upgrade brings the new program into the service, and keeps identity, settings and what the admin decided."""
    before = machine.scanner()["uuid"]
    pid = machine.show("MainPID")
    machine.write(SETTINGS, '[scanner]\nlocation = "attic"\n')
    machine.run("sh", "-c", f"dpkg-deb --raw-extract {PACKAGES}/scanbridge_*_all.deb /tmp/next")
    machine.run("sed", "-i", "s/^Version: .*/&+next/", "/tmp/next/DEBIAN/control")
    machine.run("sed", "-i", "$ a # new", f"/tmp/next{SETTINGS}")
    machine.run("dpkg-deb", "--build", "/tmp/next", "/tmp/next.deb")

    machine.run("apt-get", *KEEP, "install", "/tmp/next.deb")

    assert machine.run("dpkg-query", "--show", "--showformat=${Version}", "scanbridge").endswith("+next")
    assert machine.serves()
    assert machine.show("MainPID") != pid
    assert machine.scanner()["uuid"] == before
    assert machine.run("cat", SETTINGS) == '[scanner]\nlocation = "attic"\n'


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
