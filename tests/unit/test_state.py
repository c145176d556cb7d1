"""The state file: whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bridge.errors import StateError
from bridge.state import MAX_SIZE, StateFile


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    file = StateFile(tmp_path / "state")
    file.prepare()
    return file


def test_what_is_written_is_read(state: StateFile) -> None:
    """A file gives back what was written last."""
    state.write({"a": 1})
    state.write({"a": 2})
    assert StateFile(state.directory).read() == {"a": 2}


def test_nothing_written_is_nothing_read(state: StateFile) -> None:
    """A first start finds nothing and nothing is wrong."""
    assert state.read() == {}
    assert os.listdir(state.directory) == []


def test_missing_directories_are_made(tmp_path: Path) -> None:
    """The directory is made with its parents, closed to other users."""
    StateFile(tmp_path / "a" / "b").prepare()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    "damage",
    [b"", b"\x00" * 100, b'{"a": 1', b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"],
)
def test_a_damaged_file_is_kept_aside(state: StateFile, damage: bytes) -> None:
    """Whatever a power cut leaves, the daemon starts anew and keeps the pieces."""
    state.path.write_bytes(damage)
    assert state.read() == {}
    assert state.path.with_suffix(".bad").read_bytes() == damage
    assert not state.path.exists()


def test_an_endless_file_is_not_read(state: StateFile) -> None:
    """A file that cannot be ours is not taken into memory."""
    state.path.write_bytes(b'{"a": "' + b"x" * MAX_SIZE + b'"}')
    assert state.read() == {}


def test_a_failed_write_leaves_the_old_file(state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the new file cannot be finished, the old one is still there, whole."""
    state.write({"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateError, match=r"No space left on device\); make room on its disk$"):
        state.write({"a": 2})
    assert json.loads(state.path.read_bytes()) == {"a": 1}


def test_the_file_reaches_the_disk_before_its_name(state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content is flushed before the rename and the directory after it, or a power cut could leave an empty file."""
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda old, new: (order.append("rename"), replace(old, new)))
    state.write({"a": 1})
    assert order == ["fsync", "rename", "fsync"]


def test_a_directory_that_cannot_be_made_names_the_remedy(tmp_path: Path) -> None:
    """The error says which directory, why, and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"file/state cannot be made .*\[state\] directory"):
        StateFile(tmp_path / "file" / "state").prepare()


def test_a_file_that_cannot_be_read_names_the_remedy(state: StateFile) -> None:
    """A state file that is there and cannot be read is no damage: its content would be overwritten."""
    state.path.mkdir()
    with pytest.raises(StateError, match=r"cannot be read .*\[state\] directory"):
        state.read()
