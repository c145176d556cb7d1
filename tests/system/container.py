"""A machine without a VM: a container with systemd as its first process and a network namespace of its own.

Its root is a folder that stays as it is: what the machine writes goes to memory, and is gone with it. Needs root and
systemd-nspawn.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType

from tests.interop.namespaces import Cable
from tests.system.machine import ENVIRONMENT, HANG_S, PACKAGES, Machine

_LOOK_S = 0.05


class Container(Machine):
    """The machine with the file system `root`, at the first end of `cable`. A context: it runs as long as that lasts.

    `packages` is a folder that it sees at PACKAGES, `console` the file that its console is written to. Without
    `volatile` it writes to its root.
    """

    def __init__(self, root: Path, packages: Path, cable: Cable, console: Path, *, volatile: bool = True) -> None:
        super().__init__(cable.second, cable.first.ipv4)
        self._root = root
        self._packages = packages
        self._namespace = cable.first.name
        self._console = console
        self._volatile = "overlay" if volatile else "no"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Container:
        with self._console.open("wb") as console:
            self._nspawn = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--volatile={self._volatile}"),
                    *(f"--directory={self._root}", f"--machine={self._namespace}", "--hostname=attic", "--boot"),
                    *("--console=pipe", f"--network-namespace-path=/run/netns/{self._namespace}"),
                    *("--capability=CAP_NET_ADMIN", f"--bind-ro={self._packages}:{PACKAGES}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        try:
            hang = time.monotonic() + HANG_S
            while not self._is_up():
                assert time.monotonic() < hang, f"the machine hangs:\n{self._told()}"
                time.sleep(_LOOK_S)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._nspawn is not None
        if self._leader:
            self.try_run("systemctl", "poweroff")
        try:
            self._nspawn.wait(30 if self._leader else 0.1)
        except subprocess.TimeoutExpired:
            self._nspawn.terminate()
            self._nspawn.wait()

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the machine, whatever comes of it."""
        return subprocess.run(
            ["nsenter", f"--target={self._leader}", "--all", *command],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, f"the machine did not start:\n{self._told()}"
        pid = self._nspawn.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        if not children:
            return False
        self._leader = int(children[0])
        return self.try_run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def _told(self) -> str:
        return self._console.read_text(errors="replace")
