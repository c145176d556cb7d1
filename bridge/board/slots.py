"""The two systems on a card, which of them the firmware starts, and what is known of a new one that is on trial.

The firmware reads `os_prefix=a/` or `os_prefix=b/` at the very beginning of config.txt and takes kernel, initial RAM
disk and command line from that folder. One byte tells the slots apart. It is overwritten in place, in the first sector
of the file, so that a power cut leaves the old slot chosen or the new one. The initial RAM disk
(scripts/local-top/scanbridge-trial) does the same when a new system does not get ready.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bridge.errors import BridgeError
from bridge.replacing import replace_file, sync_folder

_FIRST_LINE = re.compile(rb"\Aos_prefix=([ab])/\r?\n")
_PLACE = len(b"os_prefix=")
_WORD = "scanbridge.slot="


class UpdateError(BridgeError):
    """The update cannot be made; the system that runs stays as it is."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the two systems: its letter, the label of its file system, and its number in the partition table."""

    name: str
    label: str
    part: int


A = Slot("a", "scanroot", 2)
B = Slot("b", "scanrootb", 4)


def named(name: str) -> Slot:
    """The slot of a letter. Raises UpdateError for others."""
    for slot in (A, B):
        if slot.name == name:
            return slot
    raise UpdateError(f"there is no slot {name!r}")


def other(slot: Slot) -> Slot:
    """The one that is not `slot`."""
    return B if slot is A else A


def running(command_line: str) -> Slot:
    """The slot that a kernel with this command line has started. Raises UpdateError when it names none."""
    for word in command_line.split():
        if word.startswith(_WORD):
            return named(word.removeprefix(_WORD))
    raise UpdateError("this system was not started from a card with two slots")


def chosen(config: Path) -> Slot:
    """The slot that the firmware starts next. Raises UpdateError when config.txt does not begin as it must."""
    found = _FIRST_LINE.match(config.read_bytes())
    if not found:
        raise UpdateError(f"{config}: the first line must be os_prefix=a/ or os_prefix=b/")
    return named(found[1].decode())


def choose(config: Path, slot: Slot) -> None:
    """Let the firmware start `slot` from now on: one byte, on the card when this returns.

    Raises UpdateError or OSError.
    """
    if chosen(config) is slot:
        return
    file = os.open(config, os.O_WRONLY)
    try:
        os.pwrite(file, slot.name.encode(), _PLACE)
        os.fsync(file)
    finally:
        os.close(file)


class Verdict(Enum):
    """What the marks of a trial say to the system that has started."""

    NONE = "no update was made"
    ON_TRIAL = "this system is new and has to show that it works"
    ROLLED_BACK = "the new system did not get ready, and the one before it runs again"
    NOT_BEGUN = "an update was interrupted before it took effect"


class Trial:
    """The marks of a new system on trial, in `folder` on the state's part of the card.

    `trial` names its slot; the initial RAM disk makes `begun` at its first start, and goes back at a second one.
    """

    def __init__(self, folder: Path) -> None:
        self._slot = folder / "trial"
        self._begun = folder / "begun"

    def begin(self, slot: Slot) -> None:
        """`slot` is on trial from its next start on. Raises OSError."""
        self._slot.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._begun.unlink(missing_ok=True)
        replace_file(self._slot, f"{slot.name}\n".encode())

    def end(self) -> None:
        """Nothing is on trial any more. Raises OSError."""
        self._slot.unlink(missing_ok=True)
        self._begun.unlink(missing_ok=True)
        if self._slot.parent.is_dir():
            sync_folder(self._slot.parent)

    def verdict(self, started: Slot) -> Verdict:
        """What follows from the marks for the system in slot `started`."""
        try:
            name = self._slot.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return Verdict.NONE
        if name == started.name:
            return Verdict.ON_TRIAL
        return Verdict.ROLLED_BACK if self._begun.exists() else Verdict.NOT_BEGUN
