"""What systemd hears."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.system import sdnotify


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket that systemd would read."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


def test_ready_says_what_is_served(systemd: socket.socket) -> None:
    """READY and the status line arrive in one message."""
    sdnotify.ready("1 scanner on port 8018")

    assert systemd.recv(4096) == b"READY=1\nSTATUS=1 scanner on port 8018"


def test_a_status_cannot_assign(systemd: socket.socket) -> None:
    """A line break in a scanner's name begins no second assignment."""
    sdnotify.status("LiDE\nMAINPID=1")

    assert systemd.recv(4096) == b"STATUS=LiDE MAINPID=1"


def test_reloading_has_the_time(systemd: socket.socket) -> None:
    """A reload tells the monotonic time, without which systemd takes no such notice."""
    sdnotify.reloading()

    first, second = systemd.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert int(second.removeprefix("MONOTONIC_USEC=")) > 0


def test_stopping(systemd: socket.socket) -> None:
    """The end is announced."""
    sdnotify.stopping()

    assert systemd.recv(4096) == b"STOPPING=1"


def test_silence_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started by hand, there is nobody to tell and nothing fails."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    sdnotify.ready("x")
    sdnotify.stopping()


def test_a_sign_of_life(systemd: socket.socket) -> None:
    """The watchdog is fed by a message of its own."""
    sdnotify.alive()

    assert systemd.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["LiDE 210 (pi)"], "port 8018: LiDE 210 (pi)"),
        (["LiDE 210 (pi)", "fi-7260 (pi)"], "port 8018: LiDE 210 (pi), fi-7260 (pi)"),
        ([], "no scanner yet, port 8018"),
    ],
)
def test_what_is_served(names: list[str], line: str) -> None:
    """The status line says what is served and where."""
    assert sdnotify.serving(names, 8018) == line
