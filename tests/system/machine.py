"""A Debian machine with systemd as its first process: a container with a network namespace of its own, without a VM.

Its root is a folder that stays as it is; whatever the machine writes is gone with it. Needs root and systemd-nspawn.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.interop.namespaces import Cable, Host

HANG_S = 120.0
"""After so long a program on the machine is taken to hang; no test relies on it."""

UNIT = "scanbridge.service"
SETTINGS = "/etc/scanbridge/scanbridge.toml"
PACKAGES = "/mnt/packages"
"""Where the machine sees the built packages."""

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
_LOOK_S = 0.1


class CommandFailed(AssertionError):
    """A program on the machine ended with another status than 0."""


class Machine:
    """The machine with the file system `root`, at the first end of `cable`. A context: it runs as long as that lasts.

    `packages` is a folder that it sees at PACKAGES, `console` the file that its console is written to.
    """

    def __init__(self, root: Path, packages: Path, cable: Cable, console: Path) -> None:
        self._root = root
        self._packages = packages
        self._cable = cable
        self._console = console
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    @property
    def client(self) -> Host:
        """The computer at the other end of the cable."""
        return self._cable.second

    @property
    def address(self) -> str:
        """The machine's IPv4 address."""
        return self._cable.first.ipv4

    def __enter__(self) -> Machine:
        with self._console.open("wb") as console:
            self._nspawn = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--volatile=overlay"),
                    *(f"--directory={self._root}", "--machine=bridge", "--hostname=attic", "--boot"),
                    *("--console=pipe", f"--network-namespace-path=/run/netns/{self._cable.first.name}"),
                    f"--bind-ro={self._packages}:{PACKAGES}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        try:
            self.until(self._is_up)
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

    # -- programs --------------------------------------------------------------------------------

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the machine, whatever comes of it."""
        return subprocess.run(
            ["nsenter", f"--target={self._leader}", "--all", *command],
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )

    def run(self, *command: str) -> str:
        """What a program on the machine prints. Raises CommandFailed when it fails."""
        ended = self.try_run(*command)
        if ended.returncode:
            raise CommandFailed(f"{' '.join(command)}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def has_process(self, pid: int) -> bool:
        """Whether a process lives on the machine."""
        return self.try_run("test", "-e", f"/proc/{pid}").returncode == 0

    def until(self, condition: Callable[[], bool], hang_s: float = HANG_S) -> None:
        """Wait until `condition` holds; after `hang_s` seconds it is taken never to."""
        hang = time.monotonic() + hang_s
        while not condition():
            if time.monotonic() > hang:
                state = self.try_run("systemctl", "status", "--full", "--lines=40", UNIT).stdout if self._leader else ""
                raise AssertionError(f"this did not come: {condition}\n{state}")
            time.sleep(_LOOK_S)

    def _is_up(self) -> bool:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, f"the machine did not start:\n{self._console.read_text(errors='replace')}"
        pid = self._nspawn.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        if not children:
            return False
        self._leader = int(children[0])
        return self.try_run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    # -- the service -----------------------------------------------------------------------------

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "--value", f"--property={name}", UNIT).strip()

    def serves(self) -> bool:
        """Whether the service is ready."""
        return self.show("ActiveState") == "active" and self.show("SubState") == "running"

    def status(self) -> dict[str, Any]:
        """What `scanbridge status --json` prints."""
        told: dict[str, Any] = json.loads(self.run("scanbridge", "status", "--json"))
        return told

    def scanner(self) -> dict[str, Any]:
        """The one scanner in the status."""
        (scanner,) = self.status()["scanners"]
        assert isinstance(scanner, dict)
        return scanner

    @property
    def url(self) -> str:
        """Where the client reaches the scan service."""
        return str(self.scanner()["urls"]["service"]).replace("127.0.0.1", self.address)

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The service's journal entries that match, the oldest first."""
        lines = self.run("journalctl", f"--unit={UNIT}", "--output=json", "--no-pager", "--all", *matches).splitlines()
        return [json.loads(line) for line in lines]

    def messages(self, *matches: str) -> list[str]:
        """The texts of these entries."""
        return [str(entry["MESSAGE"]) for entry in self.journal(*matches)]

    def configure(self, text: str) -> None:
        """Write the settings, and start the service anew with them."""
        self.write(SETTINGS, text)
        self.restart()

    def restart(self) -> None:
        """Start the service anew, however often it was started already: tests do it more often than people."""
        self.run("systemctl", "daemon-reload")
        self.try_run("systemctl", "reset-failed", UNIT)
        self.run("systemctl", "restart", UNIT)

    def write(self, path: str, text: str) -> None:
        """Write a file on the machine."""
        self.run("sh", "-c", 'mkdir -p "${1%/*}" && printf %s "$2" >"$1"', "sh", path, text)


def roots() -> list[Path]:
    """The machines' file systems that debian/ci has made, named in SCANBRIDGE_MACHINES."""
    return [Path(root) for root in os.environ.get("SCANBRIDGE_MACHINES", "").split()]


def packages() -> Path:
    """The folder with the built packages, named in SCANBRIDGE_PACKAGES."""
    return Path(os.environ["SCANBRIDGE_PACKAGES"])
