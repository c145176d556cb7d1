"""What the status page is told by the programs of the SD image."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.board.apply import CARD_FILE, OUTCOME_FILE, apply
from bridge.board.card import FIRMWARE_SETTINGS
from bridge.system.board_notes import FOLDER, SETTINGS_NOTE, board_notes


def test_elsewhere_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """Most machines are no board."""
    assert board_notes(tmp_path) is None


def test_mistakes_and_the_last_update_are_told_without_a_password(tmp_path: Path) -> None:
    """As the start of the board leaves them: a wrong value is on the card, but on no page."""
    for name, text in (
        (CARD_FILE, '[board]\nwlan_psk = "s = : x"\n[scanner]\nname = 7\n'),
        (OUTCOME_FILE, '{"text": "In effect."}'),
        (str(Path(CARD_FILE).with_name(FIRMWARE_SETTINGS)), ""),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    problems = apply(tmp_path, lambda _command: None).problems
    assert any("s = : x" in problem for problem in problems)

    notes = board_notes(tmp_path)

    assert notes is not None
    assert notes["update"] == "In effect."
    assert len(notes["problems"]) == len(problems)
    assert "s = : x" not in str(notes)
    assert any("board.wlan_psk: expected 8 to 63 plain characters" in problem for problem in notes["problems"])


@pytest.mark.parametrize("text", ["", "[]", "7", '{"problems": "none"}'])
def test_a_spoilt_note_tells_nothing(tmp_path: Path, text: str) -> None:
    """The page is there all the same."""
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / SETTINGS_NOTE).write_text(text)

    assert board_notes(tmp_path) == {"problems": [], "update": ""}
