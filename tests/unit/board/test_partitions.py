"""The card's partition table, and where the second system gets its room."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.board import partitions
from bridge.board.partitions import ALIGNMENT, MARGIN, SECTOR, Part
from bridge.board.slots import UpdateError

MIB = 1024 * 1024 // SECTOR
GB = 1_000_000_000 // SECTOR
USED = 850_000_000

BOOT = Part(4 * MIB, 256 * MIB, 0x0C, 0x80)
STATE = Part(260 * MIB, 32 * MIB)
ROOT = Part(292 * MIB, 990 * MIB)
NOTHING = Part(0, 0, 0)
FLASHED = [BOOT, ROOT, STATE, NOTHING]


def test_the_first_update_gets_its_room_behind_the_image() -> None:
    """On a card of 8 GB: two gigabytes, aligned, in nobody's way."""
    part = partitions.place(FLASHED, 4, 8 * GB, USED)

    assert part.start % ALIGNMENT == 0
    assert part.start >= ROOT.end
    assert part.sectors == partitions.WISHED // SECTOR


def test_the_second_update_moves_the_first_system_where_it_has_room() -> None:
    """As it was flashed there is no room for another kernel beside its own; from then on nothing moves any more."""
    other = partitions.place(FLASHED, 4, 8 * GB, USED)

    moved = partitions.place([BOOT, ROOT, STATE, other], 2, 8 * GB, USED)
    table = [BOOT, moved, STATE, other]

    assert moved.start >= other.end
    assert partitions.place(table, 2, 8 * GB, USED) == moved
    assert partitions.place(table, 4, 8 * GB, USED) == other


def test_a_card_that_is_too_small_is_told_so() -> None:
    """With what is needed and what is there."""
    with pytest.raises(UpdateError, match=r"needs 1479 MB, and 6\d\d MB are free"):
        partitions.place(FLASHED, 4, 2 * GB, USED)


@given(
    card=st.integers(2 * GB, 64 * GB),
    used=st.integers(1, 3_000_000_000),
    number=st.sampled_from([2, 4]),
    second=st.integers(0, 40),
)
def test_no_place_ever_lies_over_another_part(card: int, used: int, number: int, second: int) -> None:
    """Whatever the card, the system and what other programs have made of the table."""
    fourth = Part(1300 * MIB + second * 100 * MIB, 800 * MIB) if second else NOTHING
    parts = [BOOT, ROOT, STATE, fourth]
    try:
        part = partitions.place(parts, number, card, used)
    except UpdateError:
        return

    for there in (each for index, each in enumerate(parts, 1) if index != number and each.sectors):
        assert part.end <= there.start or part.start >= there.end
    assert part.sectors * SECTOR >= used + MARGIN
    assert part == parts[number - 1] or (part.start >= ALIGNMENT and part.end <= card)


def test_the_table_is_read_and_written_as_other_programs_do(tmp_path: Path) -> None:
    """sfdisk's bytes; all else in the sector stays, and an old file system in the new part's place is gone."""
    card = tmp_path / "card"
    sector = bytearray(SECTOR)
    sector[440:444] = bytes.fromhex("4db2a45c")
    # start=8192, size=16384, type=c, bootable
    sector[446:462] = bytes.fromhex("80 820301 0c 858904 00200000 00400000")
    sector[510:] = b"\x55\xaa"
    with card.open("wb") as file:
        file.write(sector)
        file.truncate(64 * MIB * SECTOR)
        file.seek(16 * MIB * SECTOR)
        file.write(b"an old file system")
    assert partitions.read(bytes(sector)) == [Part(4 * MIB, 8 * MIB, 0x0C, 0x80), *[NOTHING] * 3]

    partitions.write(card, 4, Part(16 * MIB, 32 * MIB))

    written = card.read_bytes()
    assert b"old file system" not in written
    assert written[:494] == sector[:494]
    # start=32768, size=65536, type=83
    assert written[494:510] == bytes.fromhex("00 feffff 83 feffff 00800000 00000100")
    assert written[510:SECTOR] == b"\x55\xaa"


@pytest.mark.parametrize("sector", [b"", bytes(SECTOR), b"x" * 511])
def test_what_is_no_table_is_refused(sector: bytes) -> None:
    """Nothing is written to a card that this board cannot have started from."""
    with pytest.raises(UpdateError, match="partition table"):
        partitions.read(sector)
