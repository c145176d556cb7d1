"""Which slot is started next, and what the marks of a trial say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.board import slots
from bridge.board.slots import A, B, Trial, UpdateError, Verdict

FILES = Path(__file__).parents[3] / "hw/files"
CONFIG = FILES / "usr/lib/scanbridge-board/config.txt"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_choosing_a_slot_changes_one_byte_in_the_first_sector(tmp_path: Path, ending: str) -> None:
    """The file that the image begins with: one byte of 512 is another one, in the same place on the card."""
    config = tmp_path / "config.txt"
    before = CONFIG.read_text().replace("\n", ending).encode()
    config.write_bytes(before)
    inode = config.stat().st_ino

    assert slots.chosen(config) is A
    slots.choose(config, B)

    after = config.read_bytes()
    assert slots.chosen(config) is B
    assert [place for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [10]
    assert config.stat().st_ino == inode
    slots.choose(config, A)
    assert config.read_bytes() == before


@pytest.mark.parametrize("text", ["", "# nothing\nos_prefix=a/\n", "os_prefix=c/\n", "os_prefix=a\n", "os_prefix=a/"])
def test_a_file_that_begins_otherwise_is_left_alone(tmp_path: Path, text: str) -> None:
    """Nobody knows then what a byte in that place means."""
    config = tmp_path / "config.txt"
    config.write_text(text)

    with pytest.raises(UpdateError, match="first line"):
        slots.choose(config, B)

    assert config.read_text() == text


def test_the_kernels_command_line_names_the_slot_that_runs() -> None:
    """It is made from the same template for both."""
    template = (FILES / "usr/lib/scanbridge-board/cmdline.txt").read_text()

    for slot in (A, B):
        line = template.format(label=slot.label, slot=slot.name)
        assert slots.running(line) is slot
        assert f"root=LABEL={slot.label} " in line
    with pytest.raises(UpdateError, match="two slots"):
        slots.running("root=/dev/sda1 ro quiet")
    with pytest.raises(UpdateError, match="'c'"):
        slots.running("scanbridge.slot=c")


def test_a_new_system_is_on_trial_until_the_trial_ends(tmp_path: Path) -> None:
    """The initial RAM disk's mark makes the difference for the system before."""
    trial = Trial(tmp_path / "update")
    assert trial.verdict(A) is Verdict.NONE
    trial.end()

    trial.begin(B)
    assert trial.verdict(B) is Verdict.ON_TRIAL
    assert trial.verdict(A) is Verdict.NOT_BEGUN

    (tmp_path / "update/begun").touch()
    assert trial.verdict(B) is Verdict.ON_TRIAL
    assert trial.verdict(A) is Verdict.ROLLED_BACK

    trial.end()
    assert trial.verdict(A) is Verdict.NONE
    assert list((tmp_path / "update").iterdir()) == []


def test_the_mark_of_an_old_trial_does_not_count_for_a_new_one(tmp_path: Path) -> None:
    """Else the first start of a new system would be taken for its second."""
    (tmp_path / "begun").touch()

    Trial(tmp_path).begin(B)

    assert not (tmp_path / "begun").exists()
