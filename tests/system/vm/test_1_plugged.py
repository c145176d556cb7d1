"""A scanner at the USB of a machine with the package: udev, the sandbox and its limits are the real ones."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.comparison import assert_same_page, read_page
from tests.interop.scanimage import static_client
from tests.system.machine import UNIT
from tests.system.vm.machine import VirtualMachine
from tests.system.vm.plug import MODEL, Plug

CGROUP = f"/sys/fs/cgroup/system.slice/{UNIT}"


@pytest.fixture(scope="module")
def plug(machine: VirtualMachine) -> Iterator[Plug]:
    """The scanner, plugged in while the service is stopped but enabled."""
    machine.run("systemctl", "stop", UNIT)
    with Plug(machine) as plug:
        machine.until(machine.serves)
        yield plug


def in_the_service(machine: VirtualMachine, script: str) -> tuple[int, str]:
    """Status and output of a shell, as root, under the limits and the device policy of the service."""
    ended = machine.try_run("sh", "-c", f"echo $$ >{CGROUP}/cgroup.procs; {script}")
    return ended.returncode, ended.stdout + ended.stderr


def test_udev_starts_the_service(machine: VirtualMachine, plug: Plug) -> None:
    """The plug has started the service, nobody else did, and the scanner is the one that is served."""
    assert machine.scanner()["name"].startswith(MODEL)
    assert machine.show("StatusText").startswith(f"port 8018: {MODEL}")
    told = machine.run("udevadm", "info", "--query=property", f"--name={plug.node}")
    assert {"libsane_matched=yes", "SYSTEMD_WANTS=scanbridge-plugged.service"} <= set(told.splitlines())


def test_the_group_may_open_it(machine: VirtualMachine, plug: Plug) -> None:
    """The service's user may open the scanner because it is in the group scanner; another user may not write to it."""
    assert machine.try_run("runuser", "-u", "_scanbridge", "--", "sh", "-c", f": <>{plug.node}").returncode == 0
    assert machine.try_run("runuser", "-u", "nobody", "--", "sh", "-c", f": <>{plug.node}").returncode != 0


def test_a_page_from_usb(machine: VirtualMachine, plug: Plug, tmp_path: Path) -> None:
    """sane-airscan gets through the bridge, from its sandbox, what the driver reads from the scanner without it."""
    options = ("--mode", "Gray", "--resolution", "75")
    command = f"scanimage --device-name={plug.sane_name} --format=pnm {' '.join(options)} | gzip | base64"
    original = tmp_path / "original.pnm"
    original.write_bytes(gzip.decompress(base64.b64decode(machine.run("sh", "-c", command))))

    page = static_client(tmp_path, machine.url, machine.client.start).page(*options)

    expected = read_page(original)
    # This driver counts 1213.9 units to an inch, the device 1200: what it delivers is filled up to what was promised.
    height, width = expected.shape[:2]
    for promised, delivered in zip(page.shape[:2], (height, width), strict=True):
        assert 0 <= promised - delivered <= promised * (1 - 1200 / 1213.9) + 2
    assert_same_page(page[:height, :width], expected[:height, :width])


def test_other_devices_are_closed(machine: VirtualMachine, plug: Plug) -> None:
    """Among the service's processes even root opens USB devices and nothing else: no disk, no memory, no terminal."""
    assert in_the_service(machine, f": <>{plug.node}")[0] == 0
    for node in ("/dev/vda", "/dev/mem", "/dev/ttyS0", "/dev/hwrng"):
        assert machine.try_run("sh", "-c", f": <{node}").returncode == 0, node
        status, told = in_the_service(machine, f": <{node}")
        assert status != 0, node
        assert "Operation not permitted" in told, node


def test_memory_is_limited(machine: VirtualMachine, plug: Plug) -> None:
    """Who takes more memory than the service may have is killed; the daemon goes on, and scans."""
    pid = machine.show("MainPID")
    before = oom_kills(machine)

    status, _ = in_the_service(machine, "exec python3 -c 'b\"x\" * (1200 << 20)'")

    assert status in (-9, 137)
    assert oom_kills(machine) == before + 1
    assert machine.run("cat", f"{CGROUP}/memory.max").strip() == str(1 << 30)
    assert (machine.show("MainPID"), machine.show("ActiveState")) == (pid, "active")
    assert machine.status()["ready"] is True


def test_processes_are_limited(machine: VirtualMachine, plug: Plug) -> None:
    """The service has at most 128 processes and threads."""
    status, told = in_the_service(machine, "for n in $(seq 130); do sleep 60 & done; wait")
    machine.run("systemctl", "kill", "--kill-whom=all", "--signal=TERM", UNIT)
    machine.until(lambda: machine.show("ActiveState") in ("inactive", "failed"))
    assert status != 0
    assert "fork" in told
    machine.restart()


def oom_kills(machine: VirtualMachine) -> int:
    """How often the kernel has killed one of the service's processes for its memory."""
    events = dict(line.split() for line in machine.run("cat", f"{CGROUP}/memory.events").splitlines())
    return int(events["oom_kill"])
