"""The report on the card: what it says, and that it is written seldom and in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.board.report import SIZE, on_card, report, write_report

RESULT = {"hostname": "attic", "problems": []}
STATUS = {"http_port": 8018, "scanners": [{"name": "LiDE 210 (attic)", "state": "Idle"}]}


def test_what_a_person_finds_in_it() -> None:
    """Addresses to click on, the scanners with their state, settings and problems."""
    text = report(RESULT, STATUS, ["192.168.1.20", "fd00::20"], "the scanner does not answer\n")

    assert "http://192.168.1.20:8018/" in text
    assert "http://[fd00::20]:8018/" in text
    assert "  LiDE 210 (attic): Idle\n" in text
    assert "  good, and in effect\n" in text
    assert "  the scanner does not answer\n" in text


def test_it_names_mistakes_and_what_is_missing() -> None:
    """Without network, bridge or good settings it says so."""
    text = report({"hostname": "attic", "problems": ["scanner.buttons: expected true or false"]}, None, [], "")

    assert "  none: no cable, or the WLAN was not joined\n" in text
    assert "  the bridge does not run; the log below may say why\n" in text
    assert "  scanner.buttons: expected true or false\n" in text


def test_nothing_in_it_can_forge_a_line() -> None:
    """Names and log lines come from elsewhere."""
    text = report(RESULT, {"http_port": 1, "scanners": [{"name": "a\nb", "state": "Idle"}]}, [], "c\x1b[2J")

    assert "  a\\nb: Idle\n" in text
    assert "\x1b" not in text


def test_the_file_has_its_size_whatever_it_says() -> None:
    """Short and long reports fill the same place on the card, with the ends of lines that Windows shows."""
    for text in ("", "one\n", "x" * (SIZE - 1), "y\n" * SIZE):
        assert len(on_card(text)) == SIZE
    assert on_card("one\ntwo\n").startswith(b"one\r\ntwo\r\n")


def test_it_is_written_only_when_it_says_something_new(tmp_path: Path) -> None:
    """The card is made writable for the write alone, and not at all for the same report."""
    path = tmp_path / "report.txt"
    path.write_bytes(on_card("old\n"))
    place = path.stat().st_ino
    remounts: list[str] = []

    assert write_report(path, "new\n", remounts.append)
    assert not write_report(path, "new\n", remounts.append)

    assert remounts == ["rw", "ro"]
    assert path.read_bytes() == on_card("new\n")
    assert path.stat().st_ino == place


def test_the_card_is_read_only_again_when_writing_fails(tmp_path: Path) -> None:
    """A full or broken card stays protected."""
    remounts: list[str] = []

    with pytest.raises(OSError, match=r"report\.txt"):
        write_report(tmp_path / "no folder" / "report.txt", "new\n", remounts.append)

    assert remounts == ["rw", "ro"]
