"""The order of an update: what is done before the other system is chosen, and that nothing is when something fails.

The commands are written down instead of run; the files they would bring are put there by the test;
tests/card runs them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bridge.board import partitions, slots, trial, update
from bridge.board.slots import A, B, UpdateError, Verdict
from bridge.board.update import System

KERNEL = "6.12.1-arm64"
SECTORS = 16 * 1024 * 1024
"""Of the card in these tests, which has a hole for nearly all of it."""


class Machine:
    """A board that was started from slot a, with the commands that were run on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ran: list[str] = []
        self.said: list[str] = []
        self.scans: list[bool] = []
        self.answers: dict[str, str] = {}
        self.failing = ""
        self.slept = 0.0
        self.system = System(root, KERNEL, self.run, self.busy, self.said.append, self.sleep)
        for name, text in (
            ("proc/cmdline", "root=LABEL=scanroot scanbridge.slot=a quiet\n"),
            ("boot/firmware/config.txt", "os_prefix=a/\nkernel=vmlinuz\n"),
            ("boot/firmware/a/vmlinuz", "kernel"),
            ("boot/firmware/a/initrd.img", "disk"),
            ("boot/firmware/a/cmdline.txt", "root=LABEL=scanroot\n"),
            ("media/root-ro/bin/program", "program"),
            ("etc/apt/sources.list", "deb x\n"),
            ("sys/devices/mmc/mmcblk0/size", str(SECTORS)),
            ("sys/devices/mmc/mmcblk0/mmcblk0p2/partition", "2"),
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for name in ("dev", "sys/class/block", "state", "run"):
            (root / name).mkdir(exist_ok=True, parents=True)
        (root / "sys/class/block/mmcblk0p2").symlink_to("../../devices/mmc/mmcblk0/mmcblk0p2")
        entry = struct.pack("<B3sB3sII", 0, b"", 0x83, b"", 8192, 65536)
        with (root / "dev/mmcblk0").open("wb") as card:
            card.write(bytes(446) + entry + entry + bytes(32) + b"\x55\xaa")
            card.truncate(SECTORS * partitions.SECTOR)

    @property
    def tree(self) -> Path:
        """Where the new system is made."""
        return self.root / "run/scanbridge-update/tree"

    def run(self, command: Sequence[str]) -> str:
        """Write the command down without this test's folder, and do what the rest relies on."""
        words = " ".join(command).replace(str(self.root), "")
        self.ran.append(words)
        if self.failing and self.failing in words:
            raise UpdateError(f"{words} failed")
        if command[0] == "cp":
            for name in ("boot/firmware", "etc/ssh", "var", "usr/sbin", "usr/lib/scanbridge-board", "tmp", "run"):
                (self.tree / name).mkdir(parents=True)
            template = Path(__file__).parents[3] / "hw/files/usr/lib/scanbridge-board/cmdline.txt"
            (self.tree / "usr/lib/scanbridge-board/cmdline.txt").write_text(template.read_text())
            (self.tree / "etc/ssh/ssh_host_ed25519_key").write_text("a key that a package's script has made")
        if " mkfs.ext4 " in f" {words} ":
            assert not self.system.config.read_text().startswith("os_prefix=b/")
        if "upgrade" in command and "chroot" in command and "--with-new-pkgs" in command:
            (self.tree / "boot/firmware/config.txt").write_text("of the firmware's package")
        return next((answer for part, answer in self.answers.items() if part in words), "")

    def busy(self) -> bool:
        """Whether a scan goes on, by the list; at its end none does."""
        return self.scans.pop(0) if self.scans else False

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept += seconds

    def index(self, part: str) -> int:
        """Which command it was that has `part` in it."""
        return next(number for number, words in enumerate(self.ran) if part in words)

    def again(self) -> None:
        """Take back what an update has done, but for the table, so that the next one begins as the first did."""
        slots.choose(self.system.config, A)
        self.system.trial.end()
        self.ran.clear()
        for path in sorted(self.tree.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    @property
    def chosen(self) -> slots.Slot:
        """The slot that is started next."""
        return slots.chosen(self.system.config)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A board that runs from slot a, on a card with room."""
    machine = Machine(tmp_path)
    machine.answers = {
        "findmnt --noheadings --output=SOURCE --mountpoint /media/root-ro": "/dev/mmcblk0p2\n",
        "findmnt --noheadings --output=SOURCE --mountpoint /boot/firmware": "/dev/mmcblk0p1\n",
        "df --output=used": "Used\n850000000\n",
        "scanbridge --version": "scanbridge 9.9\n",
        "--simulate": "Inst libc6 [1] (2 Debian:13)\nInst openssl [1] (2 Debian:13)\nConf libc6 (2 Debian:13)\n",
    }
    return machine


def test_an_update_ends_with_the_other_system_chosen_and_on_trial(machine: Machine) -> None:
    """Everything is made, checked and on the card before the one byte changes."""
    assert update.update(machine.system)

    assert machine.chosen is B
    assert machine.system.trial.verdict(B) is Verdict.ON_TRIAL
    files = machine.root / "boot/firmware/b"
    assert {path.name for path in files.iterdir()} == {"vmlinuz", "initrd.img", "cmdline.txt"}
    assert "root=LABEL=scanrootb ro" in (files / "cmdline.txt").read_text()
    assert "newer packages: libc6, openssl" in machine.said
    order = [
        *("partx --add --nr 4 /dev/mmcblk0", "mkfs.ext4 -q -F -m 0 -L scanrootb /dev/mmcblk0p4"),
        *("mount -t ext4", "cp -a", "--with-new-pkgs upgrade", "scanbridge --version", "fsck.fat"),
        *("remount,rw /boot/firmware", "e2fsck -f -n /dev/mmcblk0p4"),
    ]
    places = [
        machine.index(part) if part != "--with-new-pkgs upgrade" else machine.index("confold --with-new-pkgs upgrade")
        for part in order
    ]
    assert places == sorted(places)
    assert machine.ran[-2:] == ["mount -o remount,rw /boot/firmware", "mount -o remount,ro /boot/firmware"]


@pytest.mark.parametrize("failing", ["", "mount --bind /etc/apt", "scanbridge --version"])
def test_what_is_mounted_in_the_new_system_is_unmounted(machine: Machine, failing: str) -> None:
    """However it went, and nothing else."""
    machine.failing = failing
    if failing:
        with pytest.raises(UpdateError):
            update.update(machine.system)
    else:
        update.update(machine.system)

    place = "/run/scanbridge-update/tree/"
    mounted = [words.split()[-1] for words in machine.ran if words.startswith("mount ") and place in words]
    if failing.startswith("mount"):
        mounted.pop()
    assert [words.split()[-1] for words in machine.ran if words.startswith("umount ") and place in words] == [
        *reversed(mounted)
    ]
    assert len(mounted) >= 5


def test_nothing_that_belongs_to_one_machine_or_to_the_making_stays_in_the_new_system(machine: Machine) -> None:
    """The machine's id and the keys of ssh are its own; services start in it again; kernels lie on the FAT part."""
    update.update(machine.system)

    assert (machine.tree / "etc/machine-id").read_bytes() == b""
    assert list((machine.tree / "etc/ssh").iterdir()) == []
    packages = (machine.tree / "usr").stat().st_mtime_ns
    assert [(machine.tree / folder / ".updated").stat().st_mtime_ns for folder in ("etc", "var")] == [packages] * 2
    assert not (machine.tree / "usr/sbin/policy-rc.d").exists()
    assert list((machine.tree / "boot/firmware").iterdir()) == []
    assert [path.name for path in (machine.tree / "boot").iterdir()] == ["firmware"]


def test_a_table_that_the_kernel_has_not_heard_of_is_told_to_it(machine: Machine) -> None:
    """An update was ended after it had written the table: what is made now must lie where the next start looks."""
    assert update.update(machine.system)
    (part,) = (parts[3] for parts in [partitions.read((machine.root / "dev/mmcblk0").read_bytes()[:512])])
    known = machine.root / "sys/devices/mmc/mmcblk0/mmcblk0p4"
    for start, commands in (
        (part.start + 8, ["partx --delete --nr 4 /dev/mmcblk0", "partx --add --nr 4 /dev/mmcblk0"]),
        (part.start, []),
    ):
        known.mkdir(exist_ok=True)
        (known / "start").write_text(f"{start}\n")
        (known / "size").write_text(f"{part.sectors}\n")
        machine.again()

        assert update.update(machine.system)

        assert [words for words in machine.ran if words.startswith("partx")] == commands


def test_without_news_the_card_is_not_written_to(machine: Machine) -> None:
    """Once a day for years."""
    machine.answers["--simulate"] = "0 upgraded, 0 newly installed\n"

    assert not update.update(machine.system)

    assert machine.chosen is A
    assert all(words.startswith("apt-get ") for words in machine.ran)
    assert "everything is up to date" in machine.said


def test_what_did_not_work_is_not_tried_again_by_itself(machine: Machine) -> None:
    """Else the board would restart twice each day; by hand, or with other packages, it is tried."""
    assert update.update(machine.system, automatic=True)
    (machine.root / "state/update/begun").touch()
    slots.choose(machine.system.config, A)
    assert not trial.judge(machine.system, lambda: 0.0)
    machine.again()

    assert not update.update(machine.system, automatic=True)
    assert machine.chosen is A
    assert not any("mkfs" in words for words in machine.ran)
    assert update.update(machine.system)
    machine.again()
    machine.answers["--simulate"] += "Inst tzdata [1] (2 Debian:13)\n"
    assert update.update(machine.system, automatic=True)


def test_what_somebody_went_back_from_does_not_come_again_by_itself(machine: Machine) -> None:
    """It got ready, and scans all the same worse than the one before; the daily look leaves it alone."""
    command_line = machine.root / "proc/cmdline"
    started = command_line.read_text()
    assert update.update(machine.system, automatic=True)
    command_line.write_text(started.replace("slot=a", "slot=b"))
    machine.system.trial.end()

    update.go_back(machine.system)

    command_line.write_text(started)
    machine.system.trial.end()
    machine.again()
    assert machine.chosen is A
    assert not update.update(machine.system, automatic=True)


def test_a_file_that_is_no_package_is_refused_at_once(machine: Machine) -> None:
    """Not after the minutes that copying takes."""
    machine.failing = "dpkg-deb --info"

    with pytest.raises(UpdateError):
        update.update(machine.system, machine.root / "none.deb")

    assert len(machine.ran) == 1


def test_a_package_from_a_file_needs_no_archive(machine: Machine) -> None:
    """It alone is installed."""
    package = machine.root / "scanbridge.deb"
    package.write_text("package")

    assert update.update(machine.system, package)

    assert (machine.tree / "tmp/package.deb").read_text() == "package"
    assert any(words.endswith("install /tmp/package.deb") for words in machine.ran)
    assert not any(words.endswith((" update", " upgrade")) for words in machine.ran)


@pytest.mark.parametrize(
    "failing",
    [
        *("mkfs.ext4", "cp -a", "mount --bind", "confold --with-new-pkgs upgrade", "scanbridge --version"),
        *("fsck.fat", "remount,rw", "e2fsck"),
    ],
)
def test_whatever_fails_leaves_the_running_system_chosen(machine: Machine, failing: str) -> None:
    """And no trial, so that the next update may begin; the card can be read again."""
    machine.failing = failing

    with pytest.raises(UpdateError):
        update.update(machine.system)

    assert machine.chosen is A
    assert machine.system.trial.verdict(A) is Verdict.NONE
    if failing == "fsck.fat":
        assert machine.ran[machine.index("fsck.fat") + 1] == "mount /boot/firmware"
    machine.failing = ""
    machine.again()
    assert update.update(machine.system)


def _trial(machine: Machine) -> None:
    machine.system.trial.begin(A)


def _chosen(machine: Machine) -> None:
    slots.choose(machine.system.config, B)


def _scan(machine: Machine) -> None:
    machine.scans = [True]


@pytest.mark.parametrize(
    ("state", "told"), [(_trial, "still on trial"), (_chosen, "restart the board first"), (_scan, "a scan is going on")]
)
def test_an_update_does_not_begin_at_a_bad_time(
    machine: Machine, state: Callable[[Machine], None], told: str
) -> None:
    """Nothing has been run then."""
    state(machine)

    with pytest.raises(UpdateError, match=told):
        update.update(machine.system)

    assert machine.ran == []


def test_the_restart_waits_for_scans_that_began_meanwhile(machine: Machine) -> None:
    """The other system is not chosen before: somebody might pull the plug and find another one."""
    machine.scans = [False, True, True, False]

    assert update.update(machine.system)

    assert machine.slept == 2 * update.LOOK_EVERY_S


def test_scans_without_end_put_it_off(machine: Machine) -> None:
    """It is told, and the old system stays chosen."""
    machine.scans = [False, *[True] * 10_000]

    with pytest.raises(UpdateError, match="scans do not end"):
        update.update(machine.system)

    assert machine.chosen is A


def test_going_back_takes_a_system_to_go_back_to(machine: Machine) -> None:
    """The one before the last update is on trial like a new one."""
    with pytest.raises(UpdateError, match="no update has been made"):
        update.go_back(machine.system)
    for name in ("vmlinuz", "initrd.img", "cmdline.txt"):
        (machine.root / "boot/firmware/b").mkdir(exist_ok=True)
        (machine.root / "boot/firmware/b" / name).write_text(name)

    update.go_back(machine.system)

    assert machine.chosen is B
    assert machine.system.trial.verdict(B) is Verdict.ON_TRIAL
