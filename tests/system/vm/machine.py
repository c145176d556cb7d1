"""A virtual machine: QEMU without hardware support, Debian's own kernel, and a network cable into a namespace.

Its disk is a file that stays as it is; whatever the machine writes is gone with it. Needs root and qemu-system-x86_64.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.interop.namespaces import INTERFACE, Host
from tests.system.machine import ENVIRONMENT, PACKAGES, CommandFailed, Machine
from tests.system.vm.agent import Agent, AgentAbsent

HANG_S = 600.0
"""After so long the machine or a program on it is taken to hang: all of it is emulated, on a machine that is busy."""

TESTS = "/mnt/vm"
"""Where the machine sees this folder."""

MEMORY_MB = 2048

_COUNT = itertools.count()
_LOOK_S = 0.2


@dataclass(frozen=True)
class Disk:
    """What a machine boots from: kernel, initial file system, and an image of its root as an ext4 file system."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """Debian's kernel, as it is in the package."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """What Debian's initramfs-tools made for it."""
        return self.folder / "initrd.img"

    @property
    def root(self) -> Path:
        """The root file system."""
        return self.folder / "root.img"


@contextmanager
def computer() -> Iterator[Host]:
    """A computer in a namespace of its own whose interface is a tap: QEMU holds the other end of the cable."""
    host = Host(f"sb{os.getpid()}v{next(_COUNT)}", 2)
    subprocess.run(["ip", "netns", "add", host.name], check=True)
    try:
        host.ip("link set lo up")
        host.ip(f"tuntap add dev {INTERFACE} mode tap")
        host.ip(f"link set {INTERFACE} addrgenmode none")
        host.ip(f"link set {INTERFACE} up")
        host.ip(f"addr add {host.ipv4}/24 dev {INTERFACE}")
        host.ip(f"addr add {host.link_local}/64 dev {INTERFACE} nodad")
        host.ip(f"addr add {host.ipv6}/64 dev {INTERFACE} nodad")
        yield host
    finally:
        host.close()
        subprocess.run(["ip", "netns", "del", host.name], check=False)


class VirtualMachine(Machine):
    """A machine that boots from `disk`, cabled to `client`. A context: it runs as long as that lasts.

    `packages` is a folder that it sees at PACKAGES; `folder` is for its console's text and the agent's socket.
    """

    hang_s = HANG_S

    def __init__(self, disk: Disk, packages: Path, client: Host, folder: Path) -> None:
        super().__init__(client, "10.99.0.1")
        self._disk = disk
        self._packages = packages
        self.console = folder / "console"
        socket = folder / "agent"
        self._agent = Agent(socket, ENVIRONMENT, HANG_S)
        self._qemu: subprocess.Popen[str] | None = None
        self._command = (
            *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1"),
            *("-m", str(MEMORY_MB), "-nodefaults", "-no-reboot", "-display", "none", "-serial", f"file:{self.console}"),
            *("-kernel", str(disk.kernel), "-initrd", str(disk.initrd)),
            *("-append", "console=ttyS0 root=/dev/vda rw mitigations=off net.ifnames=0 panic=-1"),
            *("-drive", f"file={disk.root},format=raw,if=virtio,snapshot=on"),
            *("-netdev", f"tap,id=cable,ifname={INTERFACE},script=no,downscript=no"),
            *("-device", "virtio-net-pci,netdev=cable,romfile="),
            *("-device", "virtio-rng-pci", "-device", "virtio-serial"),
            *("-chardev", f"socket,id=agent,path={socket},server=on,wait=off"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
            *_shared("packages", packages),
            *_shared("vm", Path(__file__).parent),
        )

    def __enter__(self) -> VirtualMachine:
        self._qemu = self.client.start(*self._command, stdin=subprocess.DEVNULL)
        try:
            self._wait_for_the_agent()
            for tag, place in (("packages", PACKAGES), ("vm", TESTS)):
                self.run("mkdir", "-p", place)
                self.run("mount", "-t", "9p", "-o", "trans=virtio,version=9p2000.L,ro", tag, place)
            self.until(lambda: self._state() in ("running", "degraded"))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Its disk is thrown away: nothing has to be written out.
        if self._qemu is not None and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the machine, whatever comes of it."""
        try:
            return self._agent.run(command, HANG_S)
        except AgentAbsent as error:
            raise CommandFailed(f"{' '.join(command)}: {error}\n{self.told()}") from error

    def told(self) -> str:
        """The last words on the machine's console."""
        return self.console.read_text(errors="replace")[-4000:] if self.console.exists() else ""

    def _state(self) -> str:
        return self.try_run("systemctl", "is-system-running").stdout.strip()

    def _wait_for_the_agent(self) -> None:
        assert self._qemu is not None
        hang = time.monotonic() + HANG_S
        while not self._agent.answers():
            assert self._qemu.poll() is None, f"QEMU ended\n{self.told()}"
            assert time.monotonic() < hang, f"the machine does not boot\n{self.told()}"
            time.sleep(_LOOK_S)


def _shared(tag: str, folder: Path) -> tuple[str, ...]:
    """QEMU's words for a folder of this machine that the other may read."""
    return ("-virtfs", f"local,path={folder},mount_tag={tag},security_model=none,readonly=on,multidevs=remap")


def disk() -> Disk | None:
    """The disk that debian/ci-vm has made, named in SCANBRIDGE_VM_DISK."""
    folder = os.environ.get("SCANBRIDGE_VM_DISK")
    return Disk(Path(folder)) if folder else None
