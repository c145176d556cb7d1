"""`scanbridge status` for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.settings import Control, Settings
from bridge.system import asking
from bridge.system.status import MAX_HISTORY_SHOWN, show_status, status_lines


def job(number: int, **changes: Any) -> dict[str, Any]:
    """A finished job as the daemon tells it."""
    plain = {"id": number, "name": "Scan", "user": "ada", "state": "Completed", "reasons": ["None"]}
    return {**plain, "scans_completed": 1, **changes}


def scanner(**changes: Any) -> dict[str, Any]:
    """An idle scanner as the daemon tells it."""
    plain = {
        "uuid": "11111111-2222-3333-4444-555555555555",
        "name": "LiDE 210 (pi)",
        "state": "Idle",
        "reasons": ["None"],
        "urls": {"device": "http://192.0.2.7:8018/1", "service": "http://192.0.2.7:8018/1/scan"},
        "worker": {"pid": 42, "restarts": 3},
        "active_jobs": [],
        "history": [],
    }
    return {**plain, **changes}


def status(**changes: Any) -> dict[str, Any]:
    """What a daemon with one idle scanner tells."""
    plain = {"version": "9.9", "ready": True, "http_port": 8018, "scanners": [scanner()], "subscriptions": []}
    return {**plain, **changes}


def test_an_idle_scanner() -> None:
    """The report says what is served, where, and who listens for the button."""
    assert status_lines(status()) == [
        "Scanbridge 9.9, ready, port 8018",
        "",
        "LiDE 210 (pi): Idle",
        "  device   http://192.0.2.7:8018/1",
        "  service  http://192.0.2.7:8018/1/scan",
        "  worker   process 42, restarted 3 times",
        "",
        "No computer listens for a press of the button.",
    ]


def test_jobs() -> None:
    """Finished jobs come before those under way, with their reasons."""
    busy = scanner(
        state="Stopped",
        reasons=["MediaJam", "CoverOpen"],
        active_jobs=[job(12, name="Letter", state="Processing", reasons=["JobScanning"], scans_completed=0)],
        history=[job(11, user="")],
    )

    lines = status_lines(status(scanners=[busy]))

    assert lines[2] == "LiDE 210 (pi): Stopped (MediaJam, CoverOpen)"
    assert lines[7:10] == [
        "  JOB  STATE                     PAGES  USER  NAME",
        "  11   Completed                 1      -     Scan",
        "  12   Processing (JobScanning)  0      ada   Letter",
    ]


def test_only_the_newest_of_the_history() -> None:
    """A long history shows its end."""
    history = [job(number) for number in range(1, 31)]

    lines = status_lines(status(scanners=[scanner(history=history)]))

    shown = [int(line.split()[0]) for line in lines if line.endswith("Scan")]
    assert shown == list(range(31 - MAX_HISTORY_SHOWN, 31))


def test_subscriptions() -> None:
    """Each computer that listens is shown with its destinations."""
    one = {"client": "192.0.2.9", "expires": "2024-05-01T12:00:00Z", "destinations": [{"name": "A"}, {"name": "B"}]}

    lines = status_lines(status(subscriptions=[one, {"client": "192.0.2.10", "expires": None, "destinations": []}]))

    assert lines[-4:] == [
        "Computers that listen:",
        "  COMPUTER    UNTIL                 DESTINATIONS",
        "  192.0.2.9   2024-05-01T12:00:00Z  A, B",
        "  192.0.2.10  -                     -",
    ]


def test_computers_and_problems() -> None:
    """How far each computer got, who was turned away, and what went wrong."""
    told = status(
        clients=[{"client": "192.0.2.9", "windows": True, "meaning": "it fetched an image"}],
        strangers=[{"client": "198.51.100.7", "at": "2024-05-01T12:00:00Z", "way": "search"}],
        problems=[{"at": "2024-05-01T12:00:00Z", "level": "warning", "text": "paper is jammed", "count": 1}],
    )
    assert status_lines(told)[-7:] == [
        "Computers seen:",
        "  COMPUTER             SO FAR",
        "  192.0.2.9 (Windows)  it fetched an image",
        "  198.51.100.7         it was turned away: it is in another network",
        "",
        "Problems, newest last; scanbridge doctor says more:",
        "  2024-05-01T12:00:00Z  paper is jammed",
    ]


@pytest.mark.parametrize(
    ("buttons", "line"),
    [
        ({"state": "watching", "names": ["scan", "email"]},
         "watched, so that other programs cannot use the scanner: scan, email"),
        ({"state": "paused"}, "not watched just now"),
        ({"state": "waiting", "trouble": "In use."}, "cannot be watched, tried again: In use."),
        ({"state": "none", "trouble": "No buttons."}, "none that can be watched"),
        ({"state": "failed", "trouble": "It died."}, "left alone after failures: It died."),
    ],
)  # fmt: skip
def test_the_scanners_own_buttons(buttons: dict[str, Any], line: str) -> None:
    """Whoever wonders why another program cannot use the scanner finds it here."""
    assert f"  buttons  {line}" in status_lines(status(scanners=[scanner(buttons=buttons)]))


@pytest.mark.parametrize("buttons", [{"state": "off"}, {}, None, {"state": "from the future"}])
def test_buttons_that_are_not_watched(buttons: dict[str, Any] | None) -> None:
    """Buttons that nobody asked for are not mentioned."""
    assert "buttons" not in "\n".join(status_lines(status(scanners=[scanner(buttons=buttons)])))


def test_nothing_plugged_in() -> None:
    """A bridge without scanners says so."""
    assert "No scanner is plugged in." in status_lines(status(scanners=[], ready=False))


def test_names_cannot_reach_the_terminal() -> None:
    """A job name with escape sequences is shown as text."""
    history = [job(1, name="x\x1b[2J\ny")]

    lines = status_lines(status(scanners=[scanner(history=history)]))

    assert any(line.endswith(r"x\x1b[2J\ny") for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("told", [{}, {"scanners": [{}]}, {"scanners": None, "subscriptions": [{}]}])
def test_a_daemon_of_another_version(told: dict[str, Any]) -> None:
    """What is missing is a dash, not a crash."""
    assert status_lines(told)[0] == "Scanbridge -, starting, port -"


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs the daemon's words are passed on as they are."""
    monkeypatch.setattr(asking, "ask_first", lambda paths, request: status(extra=[str(paths[0]), request]))

    assert show_status(Settings(control=Control("/x.sock")), as_json=True) == 0

    assert json.loads(capsys.readouterr().out) == status(extra=["/x.sock", {"command": "status"}])


def test_no_daemon(tmp_path: Path) -> None:
    """Without a running bridge the error says how to start one."""
    with pytest.raises(asking.NotRunning, match=r"systemctl start scanbridge"):
        show_status(Settings(control=Control(str(tmp_path / "none"))), as_json=False)
