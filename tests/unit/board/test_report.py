"""The report on the card: what it says, and that it is written seldom and in place."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from bridge.board.report import (
    ADDRESS_WITHIN_S,
    SIZE,
    on_card,
    report,
    wait_for_addresses,
    wait_for_status,
    write_report,
)
from bridge.system import asking

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


def test_it_waits_for_an_address_that_a_browser_can_ask() -> None:
    """A WLAN is joined after the bridge is ready; without a router what the board gave itself is told in the end."""
    own, given, link = (ip_address(text) for text in ("169.254.3.4", "192.168.1.20", "fe80::1"))
    clock = Clock()
    looks = [[], [link], [own, link], [own, given, link]]

    assert wait_for_addresses(lambda: looks.pop(0), clock.seconds, clock.advance) == [str(own), str(given)]
    assert clock.seconds() < ADDRESS_WITHIN_S

    assert wait_for_addresses(lambda: [own, link], clock.seconds, clock.advance) == [str(own)]
    assert clock.seconds() >= ADDRESS_WITHIN_S


def test_a_bridge_that_ends_while_it_is_asked_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gave no answer, or half of one; the report is written all the same."""
    answers: list[object] = [asking.ControlError("no JSON"), asking.NotRunning("nobody"), {"ready": True}]

    def ask_first(_sockets: object, _request: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("bridge.board.report.asking.ask_first", ask_first)
    monkeypatch.setattr("bridge.board.report.time.sleep", lambda _seconds: None)

    assert wait_for_status([]) == {"ready": True}


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
