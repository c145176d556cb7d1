"""A Debian machine with systemd and the installed service, whatever it is made of, as the tests use it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.interop.namespaces import Host

HANG_S = 120.0
"""After so long a program on the machine is taken to hang; no test relies on it."""

UNIT = "scanbridge.service"
SETTINGS = "/etc/scanbridge/scanbridge.toml"
PACKAGES = "/mnt/packages"
"""Where the machine sees the built packages."""

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
"""What programs on the machine find in their environment."""

_LOOK_S = 0.1


class CommandFailed(AssertionError):
    """A program on the machine ended with another status than 0."""


class Machine:
    """A machine at the end of a cable; `client` is the computer at the other end, `address` the machine's IPv4 address.

    Those who make one say how programs are run on it, by `try_run`.
    """

    hang_s = HANG_S

    def __init__(self, client: Host, address: str) -> None:
        self.client = client
        self.address = address

    # -- programs --------------------------------------------------------------------------------

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the machine, whatever comes of it."""
        raise NotImplementedError

    def run(self, *command: str) -> str:
        """What a program on the machine prints. Raises CommandFailed when it fails."""
        ended = self.try_run(*command)
        if ended.returncode:
            raise CommandFailed(f"{' '.join(command)}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def has_process(self, pid: int) -> bool:
        """Whether a process lives on the machine."""
        return self.try_run("test", "-e", f"/proc/{pid}").returncode == 0

    def until(self, condition: Callable[[], bool], hang_s: float | None = None) -> None:
        """Wait until `condition` holds; after `hang_s` seconds (else the machine's own) it is taken never to."""
        hang = time.monotonic() + (self.hang_s if hang_s is None else hang_s)
        while not condition():
            if time.monotonic() > hang:
                state = self.try_run("systemctl", "status", "--full", "--lines=40", UNIT).stdout
                raise AssertionError(f"this did not come: {condition}\n{state}")
            time.sleep(_LOOK_S)

    # -- the service -----------------------------------------------------------------------------

    def show(self, name: str) -> str:
        """A property of the service."""
        return self.run("systemctl", "show", "--value", f"--property={name}", UNIT).strip()

    def serves(self) -> bool:
        """Whether the service is ready."""
        return self.show("ActiveState") == "active" and self.show("SubState") == "running"

    def version(self) -> str:
        """The version of the installed package."""
        return self.run("dpkg-query", "--show", "--showformat=${Version}", "scanbridge")

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
