"""Other programs on the same machine that want the same scanner: who gets it, and what the other hears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.scanimage import Scanimage, static_client
from tests.system.vm.machine import VirtualMachine
from tests.system.vm.plug import Plug

PAGE = ("--mode", "Gray", "--resolution", "150")


@pytest.fixture(scope="module")
def plug(machine: VirtualMachine) -> Iterator[Plug]:
    """A scanner that takes its time."""
    machine.configure('[scanner]\nvirtual = "never"\n')
    with Plug(machine, "--block-seconds", "1") as plug:
        machine.until(lambda: len(machine.status()["scanners"]) == 1)
        yield plug
    machine.configure("")


@pytest.fixture
def client(machine: VirtualMachine, plug: Plug, tmp_path: Path) -> Scanimage:
    """sane-airscan on the other computer."""
    return static_client(tmp_path, machine.url, machine.client.start)


def locally(machine: VirtualMachine, plug: Plug, *options: str) -> tuple[int, str]:
    """Status and messages of a program on the machine that uses SANE directly, as simple-scan and saned do."""
    command = f"scanimage --device-name={plug.sane_name} --format=pnm --mode=Gray {' '.join(options)} >/dev/null"
    ended = machine.try_run("runuser", "-u", "_scanbridge", "-g", "scanner", "--", "sh", "-c", command)
    return ended.returncode, ended.stderr


def test_an_idle_bridge_leaves_the_scanner_to_others(machine: VirtualMachine, plug: Plug) -> None:
    """While no computer scans through the bridge, programs on the machine scan as if it were not there."""
    assert locally(machine, plug, "--resolution=75") == (0, "")


def test_others_wait_while_the_bridge_scans(machine: VirtualMachine, plug: Plug, client: Scanimage) -> None:
    """While a computer scans, programs on the machine cannot open the device; its page is not disturbed."""
    scan = client.start(*PAGE)
    machine.until(lambda: any(job["state"] == "Processing" for job in machine.scanner()["active_jobs"]))

    status, told = locally(machine, plug, "--resolution=75")

    assert status != 0
    assert f"open of device {plug.sane_name} failed" in told
    assert client.page_of(scan).size


def test_the_bridge_waits_while_others_scan(machine: VirtualMachine, plug: Plug, client: Scanimage) -> None:
    """While a program on the machine scans, a computer is refused, and the log says so; then its scan works."""
    command = f"scanimage --device-name={plug.sane_name} --format=pnm --mode=Gray --resolution=150 >/tmp/local.pnm"
    who = ("--uid=_scanbridge", "--gid=scanner", "--unit=local-scan")
    machine.run("systemd-run", "--quiet", *who, "sh", "-c", command)
    machine.until(lambda: machine.try_run("test", "-s", "/tmp/local.pnm").returncode == 0)

    before = len(machine.messages("PRIORITY=4"))
    ended = client.start(*PAGE).end()

    assert ended.status != 0
    warnings = machine.messages("PRIORITY=4")[before:]
    assert warnings
    print(ended, warnings)
    machine.until(lambda: machine.try_run("systemctl", "is-active", "local-scan").returncode != 0)
    assert client.page(*PAGE).size
