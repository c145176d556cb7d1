"""The tree of a new system, made from the one that runs, and changed by apt while nothing of it runs.

The tree is a copy of the read-only system, without the layer in memory over it: what was changed by hand since the
start does not come along.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.board import boot_files
from bridge.board.slots import UpdateError

Run = Callable[[Sequence[str]], str]
"""Runs a command; what it prints. Raises UpdateError with its last words when it fails."""

_ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")

_APT = ("apt-get", "-q", "-y", "-o", "Dpkg::Options::=--force-confold")

_NO_SERVICES = "usr/sbin/policy-rc.d"
_RESOLVER = "run/systemd/resolve/stub-resolv.conf"
_PACKAGE = "tmp/package.deb"


class NewSystem:
    """The system in the folder `tree`."""

    def __init__(self, tree: Path, run: Run) -> None:
        self.tree = tree
        self._run = run

    @contextmanager
    def prepared(self, root: Path, lists: Path) -> Iterator[None]:
        """Programs of it can be run inside: with devices, a network, the package lists in `lists`, and no services.

        `root` is the system that runs: apt's sources and the address of the name server come from there.
        """
        tree = self.tree
        mounts = [
            ("-t", "proc", "proc", tree / "proc"),
            ("-t", "sysfs", "-o", "ro", "sysfs", tree / "sys"),
            ("--bind", root / "dev", tree / "dev"),
            ("-t", "tmpfs", "-o", "mode=755", "tmpfs", tree / "run"),
            ("-t", "tmpfs", "tmpfs", tree / "tmp"),
            ("--bind", root / "etc/apt", tree / "etc/apt"),
            ("--bind", lists, tree / "var/lib/apt/lists"),
        ]
        policy = tree / _NO_SERVICES
        mounted: list[Path] = []
        try:
            for words in mounts:
                self._run(["mount", *map(str, words)])
                mounted.append(Path(words[-1]))
            if (root / _RESOLVER).exists():
                (tree / _RESOLVER).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / _RESOLVER, tree / _RESOLVER)
            policy.write_text("#!/bin/sh\n# No service is started while the system is being made.\nexit 101\n")
            policy.chmod(0o755)
            yield
        finally:
            policy.unlink(missing_ok=True)
            for place in reversed(mounted):
                self._run(["umount", str(place)])

    def bring_boot_files(self, slot_folder: Path, kernel: str) -> None:
        """Put the kernel that runs and its initial RAM disk where Debian's packages expect them.

        Package scripts then renew the RAM disk exactly when something in it has changed.
        """
        for name in (boot_files.KERNEL, boot_files.INITRD):
            shutil.copyfile(slot_folder / name, self.tree / f"boot/{name}-{kernel}")

    def install(self, package: Path) -> None:
        """Install one package from a file. Raises UpdateError when it needs others that are missing, or fails."""
        shutil.copyfile(package, self.tree / _PACKAGE)
        self._inside(*_APT, "--allow-downgrades", "--reinstall", "install", f"/{_PACKAGE}")

    def upgrade(self) -> None:
        """Bring all packages up to date, kernels too, and take away what nothing needs any more."""
        self._inside(*_APT, "--with-new-pkgs", "upgrade")
        self._inside(*_APT, "--purge", "autoremove")
        for version in boot_files.kernels(self.tree)[:-1]:
            # The package asks before it removes the kernel that runs, which is in the other slot here.
            answer = "linux-base linux-base/removing-running-kernel boolean false"
            self._inside("sh", "-c", f'echo "{answer}" | debconf-set-selections')
            self._inside(*_APT, "purge", f"linux-image-{version}")

    def finish(self) -> str:
        """Make what is missing, take away what belongs to one machine, and see whether the bridge can be started.

        What the bridge says its version is. Raises UpdateError.
        """
        newest = boot_files.kernels(self.tree)[-1]
        if not (self.tree / f"boot/{boot_files.INITRD}-{newest}").exists():
            self._inside("update-initramfs", "-c", "-k", newest)
        self._inside("apt-get", "clean")
        if self._inside("dpkg", "--audit").strip():
            raise UpdateError("a package was left half installed")
        # Else each start would believe that it is the first one with these packages, and make caches anew.
        for folder in ("etc", "var"):
            mark = self.tree / folder / ".updated"
            mark.touch()
            os.utime(mark, ns=((self.tree / "usr").stat().st_mtime_ns,) * 2)
        # A package's script may have filled them; each start brings in the machine's own.
        (self.tree / "etc/machine-id").write_bytes(b"")
        for key in (self.tree / "etc/ssh").glob("ssh_host_*"):
            key.unlink()
        return self._inside("scanbridge", "--version").strip()

    def clear_boot_files(self) -> None:
        """They belong to the FAT part, and what the firmware's package has written into the tree belongs nowhere."""
        for name in (boot_files.KERNEL, boot_files.INITRD):
            for path in (self.tree / "boot").glob(f"{name}-*"):
                path.unlink()
        for path in (self.tree / "boot/firmware").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _inside(self, *command: str) -> str:
        return self._run(["env", "-i", *_ENVIRONMENT, "chroot", str(self.tree), *command])
