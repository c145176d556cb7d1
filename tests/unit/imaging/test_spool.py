"""What waits until a page is whole: its order, its bound, its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.imaging.encoder import ImagingError, StorageError
from bridge.imaging.spool import BLOCK_BYTES, IN_MEMORY_BYTES, Spool


def files() -> set[str]:
    """What the open descriptors of this process lead to."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return found


@settings(deadline=None)
@given(parts=st.lists(st.binary(max_size=40)), record=st.integers(1, 9))
def test_everything_comes_back_in_either_order(parts: list[bytes], record: int) -> None:
    """Forward gives the bytes as they came; backward gives whole records from the last to the first."""
    whole = b"".join(parts)
    whole = whole[: len(whole) // record * record]
    spool = Spool(len(whole))
    spool.write(whole)
    assert len(spool) == len(whole)
    assert b"".join(spool.forward()) == whole
    records = [whole[at : at + record] for at in range(0, len(whole), record)]
    assert b"".join(spool.backward(record)) == b"".join(reversed(records))


@pytest.mark.parametrize("record", [1000, BLOCK_BYTES - 1, BLOCK_BYTES + 1, 1024 * 1024])
def test_much_goes_to_a_file_without_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record: int) -> None:
    """Beyond IN_MEMORY_BYTES there is a file in TMPDIR that no directory shows, and it is read back in blocks."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    spool = Spool(8 * IN_MEMORY_BYTES)
    count = 4 * IN_MEMORY_BYTES // record
    for number in range(count):
        spool.write(bytes([number & 0xFF]) * record)
    assert list(tmp_path.iterdir()) == []
    assert any(name.startswith(str(tmp_path)) for name in files())
    assert all(len(block) <= max(BLOCK_BYTES, record) for block in spool.backward(record))
    expected = b"".join(bytes([number & 0xFF]) * record for number in reversed(range(count)))
    assert b"".join(spool.backward(record)) == expected
    del spool
    assert not any(name.startswith(str(tmp_path)) for name in files())


def test_little_stays_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Up to IN_MEMORY_BYTES no file is made."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    spool = Spool(IN_MEMORY_BYTES)
    spool.write(bytes(IN_MEMORY_BYTES))
    assert not any(name.startswith(str(tmp_path)) for name in files())
    assert len(b"".join(spool.forward())) == IN_MEMORY_BYTES


def test_it_can_be_used_again() -> None:
    """After `clear` it is empty and takes as much as before."""
    spool = Spool(10)
    spool.write(b"0123456789")
    spool.clear()
    assert list(spool.forward()) == list(spool.backward(5)) == []
    spool.write(b"abc")
    assert b"".join(spool.forward()) == b"abc"
    spool.write(b"de")
    assert b"".join(spool.forward()) == b"abcde"


def test_more_than_the_limit_is_refused() -> None:
    """The bound holds to the byte."""
    spool = Spool(10)
    spool.write(bytes(10))
    with pytest.raises(ImagingError, match="10 bytes"):
        spool.write(b"x")


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes no more ends the page with the reason and the place."""

    full = OSError(28, "No space left on device")

    class Full:
        def __init__(self, **words: object) -> None:
            self.buffered = 0

        def write(self, data: bytes) -> int:
            if self.buffered:
                raise full
            self.buffered = len(data)
            return len(data)

        def seek(self, position: int) -> int:
            raise full

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", Full)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    spool = Spool(10)
    spool.write(b"x")
    for use in (lambda: spool.write(b"y"), lambda: list(spool.forward()), lambda: list(spool.backward(1))):
        with pytest.raises(StorageError, match=r"cannot be kept in .*No space left on device"):
            use()
