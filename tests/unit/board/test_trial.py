"""A new system shows that it works, or the one before it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.board import slots, trial
from bridge.board.apply import OUTCOME_FILE
from bridge.board.slots import A, B, UpdateError, Verdict
from bridge.board.update import System
from bridge.system.board_notes import board_notes


class Machine:
    """A board that was started from slot `slot`; `states` says what its bridge is from second to second.

    A state is the run of the bridge, empty while it is not ready; the last one stays.
    """

    def __init__(self, root: Path, slot: str, states: Sequence[str]) -> None:
        self.root = root
        self.seconds = 0.0
        self.states = states
        self.said: list[str] = []
        self.ran: list[str] = []
        self.system = System(root, "6.12", self.run, bool, self.said.append, self.sleep)
        for name, text in (
            ("proc/cmdline", f"scanbridge.slot={slot}\n"),
            ("boot/firmware/config.txt", f"os_prefix={slot}/\n"),
            ("state/x", ""),
        ):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)

    def run(self, command: Sequence[str]) -> str:
        """What systemctl says; mounting is written down."""
        if command[0] == "journalctl":
            return "Traceback\nRuntimeError: broken\n"
        if command[0] != "systemctl":
            self.ran.append(" ".join(command).replace(str(self.root), ""))
            return ""
        state = self.states[min(int(self.seconds), len(self.states) - 1)]
        if state == "no systemd":
            raise UpdateError("systemctl: status 1")
        return f"ActiveState={'active' if state else 'activating'}\nInvocationID={state or 'next'}\n"

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds

    def judge(self) -> bool:
        """Settle the trial."""
        return trial.judge(self.system, lambda: self.seconds)


def test_nearly_every_start_has_nothing_to_judge(tmp_path: Path) -> None:
    """And says nothing."""
    machine = Machine(tmp_path, "a", [""])

    assert not machine.judge()

    assert (machine.said, trial.told(tmp_path)) == ([], "")


@pytest.mark.parametrize(
    "states", [["one"], [*["no systemd"] * 5, *[""] * 100, "one"], ["one", "", *["two"] * 10, "", "three"]]
)
def test_a_bridge_that_gets_ready_and_stays_so_ends_the_trial(tmp_path: Path, states: list[str]) -> None:
    """At once, late, or after starts that did not last."""
    machine = Machine(tmp_path, "b", states)
    machine.system.trial.begin(B)

    assert not machine.judge()

    assert machine.system.trial.verdict(B) is Verdict.NONE
    assert slots.chosen(machine.system.config) is B
    assert "the new system works (slot b)" in trial.told(tmp_path)
    assert machine.ran == []
    assert board_notes(tmp_path) == {"problems": [], "update": trial.told(tmp_path)}


@pytest.mark.parametrize("states", [[""], [str(number // 10) for number in range(1000)], ["no systemd"]])
def test_a_bridge_that_does_not_is_taken_back(tmp_path: Path, states: list[str]) -> None:
    """Never ready, or ready again and again but not for long: the system before is chosen, and the board restarts."""
    machine = Machine(tmp_path, "b", states)
    machine.system.trial.begin(B)
    (tmp_path / "state/update/begun").touch()

    assert machine.judge()

    assert machine.seconds >= trial.READY_WITHIN_S
    assert slots.chosen(machine.system.config) is A
    assert machine.ran == ["mount -o remount,rw /boot/firmware", "mount -o remount,ro /boot/firmware"]

    before = Machine(tmp_path, "a", ["one"])
    assert not before.judge()
    assert "the new system did not get ready" in trial.told(tmp_path)
    assert "Its bridge said last: Traceback | RuntimeError: broken" in trial.told(tmp_path)
    assert before.system.trial.verdict(A) is Verdict.NONE


def test_an_update_that_was_cut_off_just_before_it_counted_is_told(tmp_path: Path) -> None:
    """The marks were made, but the system before is still chosen."""
    machine = Machine(tmp_path, "a", ["one"])
    machine.system.trial.begin(B)

    assert not machine.judge()

    assert "interrupted before it took effect" in trial.told(tmp_path)
    assert machine.system.trial.verdict(A) is Verdict.NONE


@pytest.mark.parametrize("text", ["", "[]", '{"text', "{}"])
def test_a_spoilt_note_is_none(tmp_path: Path, text: str) -> None:
    """The report is written all the same."""
    (tmp_path / OUTCOME_FILE).parent.mkdir(parents=True)
    (tmp_path / OUTCOME_FILE).write_text(text)

    assert trial.told(tmp_path) == ""
