"""A USB bus with scanners on it, for processes that tests start.

    with Bus() as bus:                                  # umockdev: udev's events and sysfs, without a kernel module
        ... start a process with bus.environment ...
        lide = bus.plug(Plug("1-1", "04a9:190f"))       # "chaos:libusb:001:004", with an event of udev
        bus.unplug(lide)

What SANE lists is another matter: `tests.chaos` has scanners with names as those of USB scanners.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType

PRELOAD = "libumockdev-preload.so.0"


@dataclass(frozen=True)
class Plug:
    """A device at a port; the bus gives it its number. `scanner` says whether libsane's rules know it."""

    port: str
    usb_id: str
    serial: str = ""
    scanner: bool = True
    number: int = 0

    @property
    def name(self) -> str:
        """What the chaos backend calls a scanner that is this device."""
        return f"libusb:001:{self.number:03}"


class Bus:
    """The bus, as a context."""

    def __init__(self) -> None:
        self.plugged: list[Plug] = []
        self._next_number = 4
        self._process: subprocess.Popen[str] | None = None
        self._folder = ""

    def __enter__(self) -> Bus:
        self._process = subprocess.Popen(
            ["umockdev-wrapper", sys.executable, "-m", "tests.usb.played_bus"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._folder = self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.communicate()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process see this bus in the place of the machine's own."""
        return {"UMOCKDEV_DIR": self._folder, "LD_PRELOAD": PRELOAD}

    def plug(self, plug: Plug) -> Plug:
        """Plug a device in; it gets the next number, as with the kernel."""
        plugged = self.number(plug)
        self.tell(plugged)
        return plugged

    def number(self, plug: Plug) -> Plug:
        """Give a device its number; nobody sees it before `tell`."""
        plugged = replace(plug, number=self._next_number)
        # The kernel counts to 127 and begins again.
        self._next_number = self._next_number + 1 if self._next_number < 127 else 4
        self.plugged.append(plugged)
        return plugged

    def tell(self, plug: Plug) -> None:
        """Let sysfs and udev know a numbered device."""
        self._say("plug", plug)

    def unplug(self, plug: Plug) -> None:
        """Pull a device out."""
        self.plugged.remove(plug)
        self._say("unplug", plug)

    def change(self, plug: Plug) -> None:
        """Something of a device has changed."""
        self._say("change", plug)

    def _say(self, what: str, plug: Plug) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **asdict(plug)}) + "\n")
        self._process.stdin.flush()
        assert self._read() == "done"

    def _read(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
