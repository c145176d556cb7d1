"""Makes the other slot of the card a newer system than the one that runs, and lets the firmware start it.

Nothing that the running system needs is written to before the last step, which is one byte in config.txt (slots.py): a
power cut before it leaves the old system, one after it the new one, which is on trial then (trial.py).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.board import boot_files, partitions, slots
from bridge.board.card import FIRMWARE_SETTINGS
from bridge.board.new_system import NewSystem, Run
from bridge.board.remount import writable
from bridge.board.slots import Slot, Trial, UpdateError, Verdict
from bridge.replacing import replace_file

CARD = "boot/firmware"
CONFIG = f"{CARD}/{FIRMWARE_SETTINGS}"
LOWER = "media/root-ro"
STATE = "state/update"
WORK = "run/scanbridge-update"
"""Paths below the root: the FAT part, the firmware's settings on it, the read-only system, the marks of a trial, and
where an update works."""

TRIED = f"{STATE}/tried"
FAILED = f"{STATE}/failed"
"""The newer packages of the last new system, where they came from the archive, and those of one that was taken back."""

LOOK_EVERY_S = 5.0
BUSY_FOR_S = 3600.0
"""How long a new system that is ready waits for scans to end."""

_UPGRADED = re.compile(r"^Inst (\S+).*$", re.MULTILINE)


@dataclass(frozen=True)
class System:
    """The system that runs, as an update sees it: `root` is its root, `kernel` the version of its kernel."""

    root: Path
    kernel: str
    run: Run
    busy: Callable[[], bool]
    """Whether a scan is going on."""
    say: Callable[[str], None]
    sleep: Callable[[float], None]

    @property
    def config(self) -> Path:
        """The firmware's settings."""
        return self.root / CONFIG

    @property
    def trial(self) -> Trial:
        """The marks of a trial."""
        return Trial(self.root / STATE)

    def started(self) -> Slot:
        """The slot that runs."""
        return slots.running((self.root / "proc/cmdline").read_text())

    def remount(self, how: str) -> None:
        """Make the card's FAT part writable or read-only."""
        self.run(["mount", "-o", f"remount,{how}", str(self.root / CARD)])


def update(system: System, package: Path | None = None, *, automatic: bool = False) -> bool:
    """Make a new system from the one that runs: everything up to date, or with `package` newly installed.

    Whether there is one to start now; False when nothing is newer, or, when nobody asked for it, when just these newer
    packages were tried before and taken back. Raises UpdateError or OSError; the system that runs is as it was then.
    """
    _may_begin(system)
    if package is not None:
        system.run(["dpkg-deb", "--info", str(package)])
    started = system.started()
    slot = slots.other(started)
    work = system.root / WORK
    lists = work / "lists"
    lists.mkdir(parents=True, exist_ok=True)
    newer = ""
    if package is None:
        newer, names = _look_for_newer(system, lists)
        if not names:
            system.say("everything is up to date")
            return False
        system.say(f"newer packages: {', '.join(names)}")
        if automatic and _text(system.root / FAILED) == newer:
            system.say("just these were tried before, and the new system did not work; by hand they are tried again")
            return False
    device = _make_room(system, slot)
    tree = work / "tree"
    tree.mkdir(exist_ok=True)
    new = NewSystem(tree, system.run)
    _unmount(system, tree)
    system.say(f"copying the system into slot {slot.name}")
    system.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-L", slot.label, str(device)])
    system.run(["mount", "-t", "ext4", "-o", "noatime", str(device), str(tree)])
    try:
        system.run(["cp", "-a", "--one-file-system", f"{system.root / LOWER}/.", str(tree)])
        with new.prepared(system.root, lists):
            new.bring_boot_files(system.root / CARD / started.name, system.kernel)
            system.say("installing")
            if package is None:
                new.upgrade()
            else:
                new.install(package)
            version = new.finish()
        system.say(f"the new system has {version}; writing its kernel")
        _check_card(system)
        with writable(system.remount):
            boot_files.lay_down(boot_files.gather(tree, slot), system.root / CARD / slot.name)
        new.clear_boot_files()
    finally:
        _unmount(system, tree)
        shutil.rmtree(lists, ignore_errors=True)
    system.run(["e2fsck", "-f", "-n", str(device)])
    switch(system, slot, newer)
    return True


def go_back(system: System) -> None:
    """Let the firmware start the system before the last update, on trial like a new one.

    Raises UpdateError when there is none.
    """
    _may_begin(system)
    slot = slots.other(system.started())
    folder = system.root / CARD / slot.name
    if not all((folder / name).exists() for name in (boot_files.KERNEL, boot_files.INITRD, boot_files.COMMAND_LINE)):
        raise UpdateError("there is no other system on the card: no update has been made yet")
    # What somebody leaves is not to come back by itself the next day.
    did_not_work(system)
    switch(system, slot)


def did_not_work(system: System) -> None:
    """What was tried last and came from the archive is not tried again by itself. Raises OSError."""
    if _text(system.root / TRIED):
        (system.root / TRIED).replace(system.root / FAILED)


def switch(system: System, slot: Slot, newer: str = "") -> None:
    """Let the firmware start `slot`, on trial, once no scan is going on; `newer` is what came from the archive.

    Raises UpdateError or OSError.
    """
    waited = 0.0
    while system.busy():
        if waited >= BUSY_FOR_S:
            raise UpdateError("the new system is ready, but scans do not end; try again later")
        system.sleep(LOOK_EVERY_S)
        waited += LOOK_EVERY_S
    (system.root / STATE).mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(system.root / TRIED, newer.encode())
    system.trial.begin(slot)
    with writable(system.remount):
        slots.choose(system.config, slot)
    system.say(f"slot {slot.name} is started next, on trial")


def _may_begin(system: System) -> None:
    if system.trial.verdict(system.started()) is not Verdict.NONE:
        raise UpdateError("the last update is still on trial; try again in some minutes")
    if slots.chosen(system.config) is not system.started():
        raise UpdateError("config.txt names the other system, which starts next: restart the board first")
    if system.busy():
        raise UpdateError("a scan is going on; try again when it has ended")


def _look_for_newer(system: System, lists: Path) -> tuple[str, list[str]]:
    """What apt says of packages of which the archive has a newer version, and their names; `lists` is in memory."""
    options = (f"Dir::State::Lists={lists}", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=")
    apt = ["apt-get", "-q", *(f"-o{option}" for option in (*options, "APT::Update::Error-Mode=any"))]
    system.say("asking the archive")
    system.run([*apt, "update"])
    found = list(_UPGRADED.finditer(system.run([*apt, "--simulate", "--with-new-pkgs", "upgrade"])))
    return "\n".join(each[0] for each in found), [each[1] for each in found]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _make_room(system: System, slot: Slot) -> Path:
    """The device for `slot`; its part of the card is made, or made anew elsewhere, if it has to be."""
    mounted = system.run(["findmnt", "--noheadings", "--output=SOURCE", "--mountpoint", str(system.root / LOWER)])
    name = Path(mounted.strip()).name
    disk = (system.root / "sys/class/block" / name).resolve().parent
    card = system.root / "dev" / disk.name
    part = system.root / "dev" / f"{disk.name}{'p' if disk.name[-1].isdigit() else ''}{slot.part}"
    used = int(system.run(["df", "--output=used", "--block-size=1", str(system.root / LOWER)]).split()[-1])
    with card.open("rb") as file:
        parts = partitions.read(file.read(partitions.SECTOR))
    there = parts[slot.part - 1]
    wanted = partitions.place(parts, slot.part, int((disk / "size").read_text()), used)
    if wanted != there:
        system.say(f"making part {slot.part} of the card, {wanted.sectors * partitions.SECTOR // 1_000_000} MB")
        partitions.write(card, slot.part, wanted)
    # Not the table, but what the kernel knows of it: an update may have been ended between the two.
    if _known(disk / part.name) != (wanted.start, wanted.sectors):
        if (disk / part.name).exists():
            system.run(["partx", "--delete", "--nr", str(slot.part), str(card)])
        system.run(["partx", "--add", "--nr", str(slot.part), str(card)])
        system.run(["udevadm", "settle"])
    return part


def _known(part: Path) -> tuple[int, int] | None:
    """Begin and length in sectors of a part as the kernel knows it, None where it knows none."""
    try:
        return int((part / "start").read_text()), int((part / "size").read_text())
    except FileNotFoundError:
        return None


def _check_card(system: System) -> None:
    """Give back the room of files that a power cut has left half written on the FAT part."""
    card = str(system.root / CARD)
    device = system.run(["findmnt", "--noheadings", "--output=SOURCE", "--mountpoint", card]).strip()
    system.run(["umount", card])
    try:
        # It ends with 1 when it has mended something.
        system.run(["sh", "-c", 'fsck.fat -a "$1" || test "$?" -eq 1', "sh", device])
    finally:
        system.run(["mount", card])


def _unmount(system: System, tree: Path) -> None:
    """Also what an update has left that was broken off."""
    if tree.is_mount():
        system.run(["umount", "--recursive", str(tree)])
