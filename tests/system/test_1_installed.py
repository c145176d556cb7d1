"""What is there after `apt install`: a service that runs in its sandbox, and nothing that it should not have."""

from __future__ import annotations

import json
import re
import socket

from tests.interop.daemon import REPOSITORY
from tests.interop.discovery_client import Client
from tests.system.machine import UNIT, Machine

MAX_EXPOSURE = 2.0
"""What `systemd-analyze security` may find, of 10."""


def test_it_serves_at_once(machine: Machine) -> None:
    """After installing, the service is enabled and ready, says what it serves, and nothing else has failed."""
    assert machine.serves()
    assert machine.run("systemctl", "is-enabled", "scanbridge.service").strip() == "enabled"
    assert machine.show("StatusText") == "port 8018: Noname frontend-tester (bridge)"
    assert machine.run("systemctl", "--failed", "--plain", "--no-legend") == ""
    assert machine.scanner()["state"] == "Idle"


def test_the_unit_is_well_written(machine: Machine) -> None:
    """This system's systemd has nothing to say about the unit, not even that it does not know an option."""
    said = machine.try_run("systemd-analyze", "verify", "--man=no", "scanbridge.service")
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert not [line for line in machine.run("journalctl", "--no-pager", "_PID=1").splitlines() if "Unknown" in line]


def test_the_sandbox_is_tight(machine: Machine) -> None:
    """The exposure that systemd finds is at most 2.0 of 10."""
    said = machine.run("systemd-analyze", "security", "--no-pager", "scanbridge.service")
    found = re.search(r"Overall exposure level for scanbridge.service: ([0-9.]+)", said)
    assert found is not None
    print(f"exposure: {found[1]}")
    assert float(found[1]) <= MAX_EXPOSURE


def test_what_is_not_hardened_is_explained(machine: Machine) -> None:
    """docs/systemd.md names every option that systemd finds exposed."""
    said = machine.run("systemd-analyze", "security", "--no-pager", "--json=short", "scanbridge.service")
    exposed = {found["name"] for found in json.loads(said) if not found["set"] and float(found["exposure"] or 0) > 0}
    text = (REPOSITORY / "docs" / "systemd.md").read_text("utf-8")
    assert {name for name in exposed if f"`{name.partition('=')[0]}=" not in text} == set()


def test_the_drop_in_for_drivers_is_well_written(machine: Machine) -> None:
    """The drop-in that docs/systemd.md gives for drivers that need more is understood, and takes effect."""
    text = (REPOSITORY / "docs" / "systemd.md").read_text("utf-8")
    (drop_in,) = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
    folder = f"/run/systemd/system/{UNIT}.d"
    machine.run("mkdir", "-p", "/var/lib/vendor")
    machine.write(f"{folder}/driver.conf", drop_in)

    machine.restart()

    assert machine.serves()
    said = machine.try_run("systemd-analyze", "verify", "--man=no", UNIT)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    assert "x86" in machine.show("SystemCallArchitectures").split()
    assert machine.show("MemoryDenyWriteExecute") == "no"
    machine.run("nsenter", f"--target={machine.show('MainPID')}", "--mount", "touch", "/var/lib/vendor/x")
    machine.run("rm", "-r", folder, "/var/lib/vendor")
    machine.restart()


def test_the_process_has_no_rights(machine: Machine) -> None:
    """The daemon and its worker run as a user of their own, in the group scanner, with no capability, filtered."""
    daemon = machine.show("MainPID")
    for pid in (daemon, str(machine.scanner()["worker"]["pid"])):
        status = dict(line.split(":\t", 1) for line in machine.run("cat", f"/proc/{pid}/status").splitlines())
        assert machine.run("stat", "--format=%U:%G", f"/proc/{pid}").strip() == "_scanbridge:scanner"
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_the_process_can_write_nowhere(machine: Machine) -> None:
    """Seen from the daemon, the system is read-only and homes are empty; state and /tmp have their places."""
    inside = ("nsenter", f"--target={machine.show('MainPID')}", "--mount")
    for path in ("/etc/x", "/usr/x", "/var/x", "/var/lib/x", "/boot/x"):
        assert machine.try_run(*inside, "touch", path).returncode != 0, path
    for path in ("/var/lib/scanbridge/x", "/run/scanbridge/x", "/tmp/x"):
        machine.run(*inside, "touch", path)
        machine.run(*inside, "rm", path)
    machine.run("touch", "/root/x")
    assert machine.try_run(*inside, "ls", "/root/x").returncode != 0


def test_state_is_private(machine: Machine) -> None:
    """The state belongs to the service alone; the control socket is for the group scanner."""
    assert machine.run("stat", "--format=%U %a", "/var/lib/scanbridge").split() == ["_scanbridge", "700"]
    told = machine.run("stat", "--format=%U %G %a", "/run/scanbridge/control.sock").split()
    assert told == ["_scanbridge", "scanner", "660"]


def test_people_of_the_group_may_ask(machine: Machine) -> None:
    """A member of the group scanner gets the status; others are told why not, and can use the rest of the command."""
    machine.run("useradd", "--groups=scanner", "ann")
    machine.run("useradd", "bob")
    ask = ("scanbridge", "status", "--json")
    assert json.loads(machine.run("runuser", "-u", "ann", "--", *ask))["ready"] is True
    refused = machine.try_run("runuser", "-u", "bob", "--", *ask)
    assert refused.returncode == 1
    assert "no permission" in refused.stderr
    assert machine.run("runuser", "-u", "bob", "--", "scanbridge", "--version").startswith("scanbridge ")


def test_the_name_bridge_is_not_taken(machine: Machine) -> None:
    """Other programs of the machine do not see our package; the command itself does, wherever it is started."""
    assert machine.try_run("/usr/bin/python3", "-c", "import bridge").returncode != 0
    machine.write("/tmp/decoy/bridge/__init__.py", "raise SystemExit('decoy')")
    machine.run("sh", "-c", "cd /tmp/decoy && scanbridge --version")


def test_manual_pages_are_there(machine: Machine) -> None:
    """Each page that the unit names is installed."""
    pages = re.findall(r"man:([a-z.-]+)\((\d)\)", machine.show("Documentation"))
    assert {name for name, _ in pages} == {"scanbridge", "scanbridge.toml", "scanbridge-quirks"}
    machine.run("ls", *(f"/usr/share/man/man{section}/{name}.{section}.gz" for name, section in pages))


def test_quirks_of_the_admin_are_read(machine: Machine) -> None:
    """A file in /etc/scanbridge/quirks.d is in effect after a restart, and the log says so."""
    path = "/etc/scanbridge/quirks.d/attic.toml"
    machine.write(path, '[[scanner]]\nmodel = ["Noname frontend-tester"]\npage_sensor = false\n')
    machine.restart()
    assert [text for text in machine.messages() if "quirks from" in text and "attic.toml" in text]
    machine.run("rm", path)
    machine.restart()


def test_discovery_works_in_the_sandbox(machine: Machine) -> None:
    """Without any capability the daemon is bound to its interface and answers a multicast Probe, in both families."""
    for family in (socket.AF_INET, socket.AF_INET6):
        found = Client(machine.client, family).find()
        assert found.action == "ProbeMatches"
        assert found.text("wsd:XAddrs").endswith(f":8018/{machine.scanner()['uuid']}")
    shown = [line for line in machine.messages() if "shown on" in line]
    assert shown[:2] == ["scanners are shown on lan0 (IPv4)", "scanners are shown on lan0 (IPv6)"]


def test_it_can_be_started_by_a_plug(machine: Machine) -> None:
    """The unit that the udev rule asks for is the service while that is enabled, and is nothing while it is not."""
    machine.run("systemctl", "stop", "scanbridge.service")
    machine.run("systemctl", "start", "scanbridge-plugged.service")
    assert machine.serves()
    machine.run("systemctl", "disable", "scanbridge.service")
    assert machine.try_run("systemctl", "cat", "scanbridge-plugged.service").returncode != 0
    machine.run("systemctl", "enable", "scanbridge.service")


def plugged(machine: Machine, vendor: str, product: str) -> dict[str, str]:
    """What udev says of a USB device with these ids, by all rules that are installed on the machine."""
    path = "/devices/pci0000:00/0000:00:14.0/usb1/1-2"
    device = f"""P: {path}
N: bus/usb/001/005
E: BUSNUM=001
E: DEVNAME=/dev/bus/usb/001/005
E: DEVNUM=005
E: DEVTYPE=usb_device
E: MAJOR=189
E: MINOR=4
E: PRODUCT={vendor}/{product}/100
E: SUBSYSTEM=usb
A: bDeviceClass=ff\\n
A: busnum=1\\n
A: devnum=5\\n
A: dev=189:4\\n
A: idProduct={product}\\n
A: idVendor={vendor}\\n
"""
    machine.write("/tmp/device.umockdev", device)
    told = machine.run(
        *("umockdev-run", "--device=/tmp/device.umockdev", "--"),
        *("sh", "-c", f"udevadm test --action=add {path} 2>&1"),
    )
    return dict(re.findall(r"^\s*(?:E: )?([A-Za-z_]+)=(.*)$", told, re.MULTILINE))


def test_a_scanner_starts_the_service(machine: Machine) -> None:
    """What libsane's rules take for a scanner asks systemd for the service, after those rules; a keyboard does not."""
    machine.run("sh", "-c", "apt-get -q -y install umockdev")

    scanner = plugged(machine, "04a9", "190f")
    keyboard = plugged(machine, "04d9", "1702")

    assert scanner["libsane_matched"] == "yes"
    assert scanner["SYSTEMD_WANTS"] == "scanbridge-plugged.service"
    assert ":systemd:" in scanner["TAGS"]
    assert keyboard["SUBSYSTEM"] == "usb"
    assert "SYSTEMD_WANTS" not in keyboard


def test_the_rule_is_well_written(machine: Machine) -> None:
    """This system's udev reads the rule without complaint; Debian 12's cannot be asked."""
    rule = "/usr/lib/udev/rules.d/70-scanbridge.rules"
    assert "libsane_matched" in machine.run("cat", rule)
    if int(machine.run("udevadm", "--version")) >= 254:
        machine.run("udevadm", "verify", rule)
