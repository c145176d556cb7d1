"""The part of a trial that runs before the system: the script of the initial RAM disk, in a root of its own.

Its programs are played by others here; that klibc has them is tried in QEMU (tests/card).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bridge.board import slots
from bridge.board.slots import A, B, Trial, Verdict

SCRIPT = Path(__file__).parents[3] / "hw/files/etc/initramfs-tools/scripts/local-top/scanbridge-trial"


class Start:
    """A board whose kernel was started from slot `slot`, with a card at `card` and a state below `root`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.card = folder / "card"
        self.trial = Trial(self.root / "state/update")
        (self.root / "state").mkdir(parents=True)
        self.card.mkdir()
        (self.card / "config.txt").write_text("os_prefix=b/\r\nkernel=vmlinuz\r\n", newline="")
        programs = folder / "bin"
        programs.mkdir()
        for name in ("umount", "reboot", "sync", "sleep"):
            (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{folder}/ran\n')
            (programs / name).chmod(0o755)
        # As klibc's: it takes a device and a folder, whatever is to be done.
        (programs / "mount").write_text(
            f'#!/bin/sh\necho "mount $*" >>{folder}/ran\n'
            'while getopts o:t: option; do :; done\nshift $((OPTIND - 1))\ntest "$#" -eq 2 || echo wrong >&2\n'
        )
        (programs / "mount").chmod(0o755)
        (folder / "disks").mkdir()
        (folder / "disks/scanstate").touch()

    def run(self, slot: str) -> list[str]:
        """Start from `slot`; the programs that were run, but for the one that makes the state readable."""
        (self.folder / "cmdline").write_text(f"root=LABEL=x scanbridge.slot={slot} quiet\n")
        (self.folder / "ran").write_text("")
        text = SCRIPT.read_text()
        for place, here in (
            ("/proc/cmdline", self.folder / "cmdline"),
            ("/dev/disk/by-label", self.folder / "disks"),
            ("/dev/disk/by-uuid", self.folder / "disks"),
            ("/run/scanbridge-state", self.root / "state"),
            ("/run/scanbridge-card", self.card),
        ):
            assert place in text
            text = text.replace(place, str(here))
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        told = subprocess.run(["dash", "-c", text], env=environment, check=True, stderr=subprocess.PIPE, text=True)
        assert told.stderr == ""
        lines = (self.folder / "ran").read_text().splitlines()
        return [line.split()[0] for line in lines if not line.startswith("mount -t ext4 -o ro,")]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """A board whose firmware starts slot b."""
    return Start(tmp_path)


@pytest.mark.parametrize("slot", ["a", "b"])
def test_without_a_trial_nothing_is_done(start: Start, slot: str) -> None:
    """Nearly every start."""
    assert start.run(slot) == ["umount", "sync"]
    assert slots.chosen(start.card / "config.txt") is B


def test_the_first_start_is_marked_and_the_second_goes_back(start: Start) -> None:
    """Nobody has said between the two that the new system works."""
    start.trial.begin(B)

    assert start.run("b") == ["mount", "umount", "sync"]
    assert start.trial.verdict(B) is Verdict.ON_TRIAL
    assert slots.chosen(start.card / "config.txt") is B

    assert start.run("b") == ["mount", "umount", "umount", "sync", "reboot"]
    assert (start.card / "config.txt").read_bytes() == b"os_prefix=a/\r\nkernel=vmlinuz\r\n"

    assert start.run("a") == ["umount", "sync"]
    assert start.trial.verdict(A) is Verdict.ROLLED_BACK


def test_a_system_that_was_found_good_is_not_taken_back(start: Start) -> None:
    """However often it starts."""
    start.trial.begin(B)
    start.run("b")
    start.trial.end()

    assert start.run("b") == ["umount", "sync"]
    assert slots.chosen(start.card / "config.txt") is B


def test_without_its_state_a_board_starts_all_the_same(start: Start) -> None:
    """It is waited for, as slow disks need it, but not for ever."""
    (start.folder / "disks/scanstate").unlink()
    (start.folder / "bin/mount").write_text("#!/bin/sh\nexit 1\n")

    assert start.run("b") == ["sleep"] * 30


def test_a_config_that_nobody_understands_does_not_stop_the_start(start: Start) -> None:
    """It does not restart for ever: the system itself has another try."""
    start.trial.begin(B)
    start.run("b")
    (start.card / "config.txt").write_text("# mine\n")

    assert "reboot" not in start.run("b")
    assert (start.card / "config.txt").read_text() == "# mine\n"
