"""A board that boots from a card, played by QEMU, with a cable to a computer in a namespace that gives out addresses.

What QEMU's power switch does to a card, ending QEMU does: what the board has handed to the card is on it, no more. When
the board restarts, QEMU ends and is started again with what the firmware of a Raspberry Pi would find on the card then.
"""

from __future__ import annotations

import http.client
import json
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.card import models
from tests.card.boot_files import BootFiles
from tests.card.image import SETTINGS, Card, copy
from tests.interop.namespaces import INTERFACE, Host
from tests.system.machine import CommandFailed, Machine
from tests.system.vm.machine import computer

ADDRESS = "10.99.0.1"
PORT = 8018
BOOT_S = 600.0
"""After so long a board is taken not to boot: all of it is emulated, on a machine that is busy."""

_LOOK_S = 0.5

READ, WRITTEN = 5, 9
"""Places of the numbers of sectors in a line of /proc/diskstats."""

CARDS = ("mmcblk0", "vda")
"""What boards call their card."""

MAX_STARTS = 6
"""A board that has started so often without an answer is taken to start for ever."""


@contextmanager
def network(folder: Path) -> Iterator[Host]:
    """A computer on a cable of its own whose router, itself, gives the board ADDRESS."""
    with computer() as host:
        host.start(
            *("dnsmasq", "--keep-in-foreground", "--port=0", f"--interface={INTERFACE}", "--bind-interfaces"),
            # Two minutes: a board that starts for the first time again has another hardware address on a cable of USB,
            # and the only address must be free by then.
            *("--conf-file=/dev/null", f"--dhcp-range={ADDRESS},{ADDRESS},2m", "--dhcp-authoritative"),
            *(f"--dhcp-leasefile={folder / 'leases'}", "--log-facility=-", "--user=root"),
            stderr=subprocess.DEVNULL,
        )
        yield host


class Board(Machine):
    """A PC or a Raspberry Pi that boots from `card` while it is entered.

    `client` is the computer at the other end of its cable; with `key`, a file with an ssh key whose public half is in
    the card's settings, programs can be run on it.
    """

    hang_s = BOOT_S

    def __init__(self, card: Card, client: Host, folder: Path, key: Path | None = None) -> None:
        super().__init__(client, ADDRESS)
        self.card = card
        self.model = models.MODELS[card.model]
        self.console = folder / "console"
        self._folder = folder
        self._key = key
        self._qemu: subprocess.Popen[str] | None = None
        self.starts = 0
        self._told_before = 0

    def __enter__(self) -> Board:
        self._switch_on()
        return self

    def _switch_on(self) -> None:
        self.starts += 1
        self._told_before = len(self.console.read_text(errors="replace")) if self.console.exists() else 0
        command = self.model.command(self.card.path, BootFiles(self.card, self._folder), self.console)
        self._qemu = self.client.start(*command, stdin=subprocess.DEVNULL)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull_the_plug()

    def pull_the_plug(self) -> None:
        """Take the power away, at this moment."""
        if self._qemu is not None and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()

    def copy_card(self, to: Path) -> Card:
        """The card as it would be if the power went now: the board stands still while it is copied."""
        assert self._qemu is not None
        self._qemu.send_signal(signal.SIGSTOP)
        try:
            return copy(self.card.path, to, self.card.model)
        finally:
            self._qemu.send_signal(signal.SIGCONT)

    def follow_restart(self) -> None:
        """Switch the board on again if it has restarted, which a real one does by itself."""
        assert self._qemu is not None
        if self._qemu.poll() is not None:
            assert self._qemu.returncode == 0, f"QEMU ended with {self._qemu.returncode}\n{self.told()}"
            assert self.starts < MAX_STARTS, f"the board starts again and again\n{self.told()}"
            self._switch_on()

    def wait_until_ready(self) -> dict[str, Any]:
        """Wait until the bridge says that it is ready; its status."""
        return self.wait_for(lambda status: bool(status["ready"]))

    def wait_for(self, condition: Any, hang_s: float = BOOT_S) -> dict[str, Any]:
        """Wait until the bridge answers on the network with a status that satisfies `condition`; the status."""
        hang = time.monotonic() + hang_s
        while True:
            status = self._status()
            if status is not None and condition(status):
                return status
            self.follow_restart()
            assert time.monotonic() < hang, f"the bridge is not ready: {status}\n{self.told()}"
            time.sleep(_LOOK_S)

    def until_told(self, start: int, words: str) -> None:
        """Wait until the board's console has said `words` in its start number `start`."""
        hang = time.monotonic() + BOOT_S
        while self.starts < start or words not in self.console.read_text(errors="replace")[self._told_before :]:
            self.follow_restart()
            assert time.monotonic() < hang, f"the board did not say {words!r}\n{self.told()}"
            time.sleep(_LOOK_S)

    def until_off(self) -> None:
        """Wait until the board ends its run by itself, and leave it so."""
        assert self._qemu is not None
        assert self._qemu.wait(BOOT_S) == 0, self.told()

    def get(self, path: str) -> bytes | None:
        """A page of the bridge's web server, None while it does not answer."""
        try:
            with self.client.inside():
                connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=20)
                connection.connect()
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the board by ssh, whatever comes of it."""
        process = self.begin(*command)
        out, err = process.communicate(timeout=BOOT_S)
        if process.returncode == 255:
            raise CommandFailed(f"ssh: {err}\n{self.told()}")
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def begin(self, *command: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Begin to run a program on the board by ssh."""
        assert self._key is not None
        options = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes")
        return self.client.start(
            *("ssh", "-q", *options, "-o", "ConnectTimeout=60", "-i", str(self._key), f"root@{ADDRESS}"),
            shlex.join(command),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(self, file: Path, to: str) -> None:
        """Copy a file to the board."""
        with file.open("rb") as data:
            process = self.begin("sh", "-c", 'cat >"$1"', "sh", to, stdin=data)
            _, err = process.communicate(timeout=BOOT_S)
        assert process.returncode == 0, err

    def told(self) -> str:
        """The last words on the board's console."""
        return self.console.read_text(errors="replace")[-4000:] if self.console.exists() else ""

    def _status(self) -> dict[str, Any] | None:
        page = self.get("/status.json")
        return None if page is None else json.loads(page)


def sectors(board: Board, what: int) -> int:
    """How many sectors of its card the board has READ or WRITTEN since its start."""
    lines = [line.split() for line in board.run("cat", "/proc/diskstats").splitlines()]
    (count,) = (int(line[what]) for line in lines if line[2] in CARDS)
    return count


def make_key(folder: Path) -> tuple[Path, str]:
    """A new ssh key: its file and its public half."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(key)], check=True)
    return key, key.with_suffix(".pub").read_text().strip()


def settings(card: Card, text: str) -> None:
    """Put a settings file on the card, with the ends of lines of a Windows editor and its mark at the beginning."""
    card.write(SETTINGS, "\ufeff" + text.replace("\n", "\r\n"))
