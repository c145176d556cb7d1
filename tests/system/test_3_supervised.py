"""The service's life under systemd: reload, restart, stop, and the watchdog."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.discovery_client import Client
from tests.interop.push_scan import WaitingPc
from tests.interop.scanimage import Scanimage, slow_scanner
from tests.system.machine import SETTINGS, UNIT, CommandFailed, Machine

SLOW = ("--mode", "Gray", "--resolution", "75")
"""A page that takes the slow scanner three seconds."""

WATCHDOG = f"/run/systemd/system/{UNIT}.d/soon.conf"


@pytest.fixture
def slow(machine: Machine, tmp_path: Path) -> Iterator[None]:
    """A scanner that takes its time, so that something can happen in the middle of a page."""
    for file in Path(slow_scanner(tmp_path)).iterdir():
        machine.write(f"/etc/sane.d/slow/{file.name}", file.read_text("ascii"))
    machine.configure('[scanner]\nvirtual = "never"\nsane_config_dir = "/etc/sane.d/slow"\n')
    yield
    machine.configure("")


@pytest.fixture
def impatient(machine: Machine) -> Iterator[None]:
    """The watchdog waits four seconds, not thirty."""
    assert machine.show("WatchdogUSec") == "30s"
    machine.write(WATCHDOG, "[Service]\nWatchdogSec=4\n")
    machine.restart()
    yield
    machine.run("rm", "-r", WATCHDOG.rpartition("/")[0])
    machine.restart()


def scanning(machine: Machine) -> bool:
    """Whether a page is on its way."""
    return any(job["state"] == "Processing" for job in machine.scanner()["active_jobs"])


def test_reload_keeps_jobs(machine: Machine, slow: None, client: Scanimage) -> None:
    """A reload in the middle of a page takes effect, and the page arrives as if nothing had been."""
    pid = machine.show("MainPID")
    scan = client.start(*SLOW)
    machine.until(lambda: scanning(machine))

    machine.run("systemctl", "reload", UNIT)

    assert scanning(machine)
    assert client.page_of(scan).size
    machine.until(machine.serves)
    assert machine.show("MainPID") == pid
    assert machine.show("StatusText").startswith("port 8018: ")
    assert [text for text in machine.messages() if text.startswith("settings read again")]


def test_reload_of_bad_settings(machine: Machine) -> None:
    """Settings that are wrong are told of in the log, and the service goes on with the old ones."""
    machine.write(SETTINGS, "[network]\nhttp_prot = 1\n")

    machine.run("systemctl", "reload", UNIT)

    machine.until(machine.serves)
    (entry,) = (entry for entry in machine.journal("PRIORITY=3") if "http_prot" in entry["MESSAGE"])
    assert "the settings stay as they are" in entry["MESSAGE"]
    machine.write(SETTINGS, "")


def test_restart_in_the_middle_of_a_page(machine: Machine, slow: None, client: Scanimage) -> None:
    """The client hears that its image is not whole, the log says why, and the client's next try works."""
    scan = client.start(*SLOW)
    machine.until(lambda: scanning(machine))
    (job,) = machine.scanner()["active_jobs"]

    machine.run("systemctl", "restart", UNIT)

    assert scan.end().status != 0
    (only,) = machine.messages("SYSLOG_IDENTIFIER=scanbridge", "PRIORITY=6", f"JOB_ID={job['id']}")
    assert only.startswith(f"job {job['id']} Aborted (ScannerStopped): 0 images, ")
    assert machine.show("Result") == "success"
    assert client.page(*SLOW).size
    assert machine.scanner()["history"][-1]["id"] > job["id"]


def test_stop_says_good_bye(machine: Machine) -> None:
    """A stop tells subscribers that their subscription ends, says Bye on the network, and leaves no process."""
    uuid = machine.scanner()["uuid"]
    group = Client(machine.client, socket.AF_INET).join()
    with machine.client.inside(), WaitingPc(machine.url, machine.client.ipv4) as pc:
        pc.subscribe()
        assert machine.run("find", "/proc", "-maxdepth", "1", "-user", "_scanbridge") != ""

        machine.run("systemctl", "stop", UNIT)

        ends = [pc.next_message() for _ in range(2)]
    assert {end.findtext(".//{*}Status", "").rpartition("/")[2] for end in ends} == {"SourceShuttingDown"}
    assert group.next(lambda heard: heard.action == "Bye").text("wsa:EndpointReference/wsa:Address").endswith(uuid)
    assert machine.show("Result") == "success"
    assert machine.run("find", "/proc", "-maxdepth", "1", "-user", "_scanbridge") == ""
    # systemd is told by the kernel that the group is empty, and removes it then: on a busy machine a little later.
    machine.until(lambda: machine.show("ControlGroup") == "")
    machine.run("systemctl", "start", UNIT)
    assert machine.serves()


def test_the_watchdog_ends_a_daemon_that_stands_still(machine: Machine, impatient: None, client: Scanimage) -> None:
    """A daemon that does nothing any more is replaced, the log says where it stood, and clients can scan again."""
    pid = machine.show("MainPID")
    uuid = machine.scanner()["uuid"]

    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", UNIT)

    machine.until(lambda: machine.show("MainPID") not in (pid, "0") and machine.serves())
    assert machine.show("NRestarts") == "1"
    entries = machine.messages()
    assert any("Watchdog timeout" in text for text in entries)
    assert any("Fatal Python error: Aborted" in text for text in entries)
    assert machine.scanner()["uuid"] == uuid
    assert client.page(*SLOW).size


def test_the_watchdog_ends_a_daemon_that_does_not_answer(machine: Machine, impatient: None) -> None:
    """A daemon that turns, but cannot be asked any more, is replaced too, and the log says why."""
    pid = machine.show("MainPID")

    machine.run("rm", "/run/scanbridge/control.sock")

    machine.until(lambda: machine.show("MainPID") not in (pid, "0") and machine.serves())
    assert any(text.startswith("error: the bridge is not well: ") for text in machine.messages("PRIORITY=3"))
    assert machine.status()["ready"] is True


def test_a_daemon_that_is_killed_comes_back(machine: Machine) -> None:
    """After a crash the service is there again, with the socket and the worker of its own."""
    pid = machine.show("MainPID")
    worker = machine.scanner()["worker"]["pid"]
    assert machine.has_process(worker)

    machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", UNIT)

    machine.until(lambda: machine.show("MainPID") not in (pid, "0") and machine.serves())
    assert not machine.has_process(worker)
    assert machine.status()["ready"] is True


def test_wrong_settings_are_not_tried_again(machine: Machine) -> None:
    """A service with wrong settings fails once, with the file, the setting and what was expected in the log."""
    machine.write(SETTINGS, "[network]\nhttp_port = 99999\n")

    with pytest.raises(CommandFailed):
        machine.restart()

    assert (machine.show("ActiveState"), machine.show("ExecMainStatus")) == ("failed", "2")
    (text,) = (text for text in machine.messages() if "99999" in text)
    assert text == (
        "scanbridge: /etc/scanbridge/scanbridge.toml: network.http_port = 99999: "
        "expected a whole number from 0 to 65535"
    )
    machine.configure("")
    assert machine.serves()
