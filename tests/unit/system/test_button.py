"""`scanbridge button`: what it asks, what it says, and with which exit status it ends."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from bridge import cli
from bridge.errors import BridgeError, NothingFound, UsageError
from bridge.settings import Control, Settings
from bridge.system import asking
from bridge.system.asking import ControlError
from bridge.system.button import press_button
from bridge.wsscan.press import NoDestination, UnknownDestination
from tests.unit.system.test_control import Client


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A settings file that names a control socket."""
    path = tmp_path / "scanbridge.toml"
    path.write_text(f'[control]\nsocket = "{tmp_path}/control.sock"\n')
    return path


def answer_once(path: Path, answer: dict[str, Any]) -> tuple[threading.Thread, list[bytes]]:
    """A daemon at `path` that says `answer` to whoever comes first; and what it was asked."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    asked: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, listener:
            asked.append(connection.recv(4096))
            connection.sendall(json.dumps(answer).encode() + b"\n")

    thread = threading.Thread(target=serve)
    thread.start()
    return thread, asked


def pressed(config: Path, answer: dict[str, Any], *words: str) -> tuple[int, dict[str, Any]]:
    """The exit status of the command line with `words` when the daemon says `answer`, and what the daemon was asked."""
    thread, asked = answer_once(config.parent / "control.sock", answer)
    status = cli.main(["--config", str(config), "button", *words])
    thread.join()
    return status, json.loads(asked[0])


TOLD = {"result": {"destination": "Scan to ATTIC", "client": "192.0.2.9"}}


def test_a_press(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without words the usual destination of the only scanner is meant; who was told is said, and the status is 0."""
    status, asked = pressed(config, TOLD)
    assert status == 0
    assert asked == {"command": "button", "device": None, "destination": None}
    assert capsys.readouterr().out == "The computer at 192.0.2.9 is told to scan: Scan to ATTIC\n"


def test_a_press_with_a_choice(config: Path) -> None:
    """Scanner and destination go to the daemon as they were given."""
    status, asked = pressed(config, TOLD, "--device", "LiDE 210", "--destination", "Scan to ATTIC")
    assert status == 0
    assert asked == {"command": "button", "device": "LiDE 210", "destination": "Scan to ATTIC"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"error": "no computer listens", "kind": "nothing-found"}, 3),
        ({"error": "which scanner?", "kind": "usage"}, 2),
        ({"error": "the command failed"}, 1),
        ({"error": "from the future", "kind": "moon"}, 1),
        ({"error": "odd", "kind": [3]}, 1),
    ],
)
def test_a_press_that_is_refused(
    config: Path, capsys: pytest.CaptureFixture[str], error: dict[str, Any], status: int
) -> None:
    """The daemon's words go to standard error, and the exit status tells the three kinds of failure apart."""
    assert pressed(config, error)[0] == status
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"scanbridge: {error['error']}\n"


def test_without_a_daemon(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a running bridge there is no button; the error says how to start one, and the status is 3."""
    assert cli.main(["--config", str(config), "button"]) == 3
    assert "systemctl start scanbridge" in capsys.readouterr().err


def test_wrong_words(config: Path) -> None:
    """Words that the verb does not know are wrong usage."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--config", str(config), "button", "now"])
    assert caught.value.code == 2


def test_names_cannot_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A destination is named by a computer on the network, so its name is shown as text."""
    answer = {"result": {"destination": "x\x1b[2J", "client": "192.0.2.9"}}
    thread, _ = answer_once(tmp_path / "s", answer)
    assert press_button(Settings(control=Control(str(tmp_path / "s"))), None, None) == 0
    thread.join()
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NoDestination(), "nothing-found"),
        (UnknownDestination("Attic", []), "nothing-found"),
        (NothingFound("no scanner"), "nothing-found"),
        (UsageError("which?"), "usage"),
        (BridgeError("no"), None),
    ],
)
def test_the_kind_of_a_refusal(error: BridgeError, kind: str | None) -> None:
    """The daemon's answer has a kind where the command line has an exit status for the error."""

    def refuse(_request: object) -> None:
        raise error

    client = Client({"button": refuse})
    client.ask({"command": "button"})
    assert client.answer == {"error": str(error), **({"kind": kind} if kind else {})}


def test_errors_arrive_as_what_they_are(tmp_path: Path) -> None:
    """The asking process raises the kind of error that the daemon met, and ControlError for all others."""
    for kind, expected in (("nothing-found", NothingFound), ("usage", UsageError), ("", ControlError)):
        thread, _ = answer_once(tmp_path / f"s{kind}", {"error": "no", "kind": kind})
        with pytest.raises(expected, match="no"):
            asking.ask(tmp_path / f"s{kind}", {"command": "button"})
        thread.join()
