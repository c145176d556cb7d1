"""The card's partition table, and room in it for the second system.

It is the one of old PCs (MBR), because older Raspberry Pis start from no other: four entries in the first sector, which
is written as a whole, so that a power cut leaves the old table or the new one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.board.slots import UpdateError

SECTOR = 512
_FIRST_ENTRY = 446
_ENTRY = struct.Struct("<B3sB3sII")
_SIGNATURE = b"\x55\xaa"
_LINUX = 0x83
_NO_CYLINDERS = b"\xfe\xff\xff"
"""What stands in the fields for cylinders, heads and sectors where nobody reads them."""

ALIGNMENT = 8192
"""Parts begin at multiples of 4 MiB, in sectors: what cards erase at a time."""

MARGIN = 600 * 1024 * 1024
"""Bytes beside a system itself that an update takes: archives of packages, and a second kernel beside the first."""

WISHED = 2 * 1024 * 1024 * 1024
"""Bytes of a slot where the card has them."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a card, in sectors; `sectors` is 0 for an entry that is not used."""

    start: int
    sectors: int
    kind: int = _LINUX
    flags: int = 0

    @property
    def end(self) -> int:
        """The first sector behind it."""
        return self.start + self.sectors


def read(sector: bytes) -> list[Part]:
    """The four entries of the table in a card's first sector. Raises UpdateError when there is none."""
    if len(sector) != SECTOR or sector[-2:] != _SIGNATURE:
        raise UpdateError("the card has no partition table that this board could have started from")
    parts = []
    for number in range(4):
        flags, _, kind, _, start, sectors = _ENTRY.unpack_from(sector, _FIRST_ENTRY + number * _ENTRY.size)
        parts.append(Part(start, sectors, kind, flags) if kind else Part(0, 0, 0))
    return parts


def with_entry(sector: bytes, number: int, part: Part) -> bytes:
    """The first sector with `part` as its entry `number`, counted from 1; all else stays."""
    at = _FIRST_ENTRY + (number - 1) * _ENTRY.size
    entry = _ENTRY.pack(part.flags, _NO_CYLINDERS, part.kind, _NO_CYLINDERS, part.start, part.sectors)
    return sector[:at] + entry + sector[at + _ENTRY.size :]


def place(parts: Sequence[Part], number: int, card_sectors: int, used: int) -> Part:
    """Where slot `number` belongs on a card of so many sectors, for a system of `used` bytes.

    Where it is, if it has the room; else in the largest gap that the others leave. Raises UpdateError when none is
    large enough.
    """
    needed = -(-(used + MARGIN) // SECTOR)
    now = parts[number - 1]
    if now.sectors >= needed:
        return now
    others = sorted((part for part in parts if part.sectors and part is not now), key=lambda part: part.start)
    gaps = []
    begin = ALIGNMENT
    for part in (*others, Part(card_sectors, 1)):
        end = min(part.start, card_sectors)
        if end > begin:
            gaps.append(Part(begin, end - begin))
        begin = max(begin, -(-part.end // ALIGNMENT) * ALIGNMENT)
    best = max(gaps, key=lambda gap: gap.sectors, default=Part(0, 0))
    if best.sectors < needed:
        raise UpdateError(
            f"the card is too small for a second system beside the one that runs: it needs {_mb(needed)} MB, and "
            f"{_mb(best.sectors)} MB are free in one piece; write the new image to a larger card instead"
        )
    return replace(best, sectors=min(best.sectors, max(needed, WISHED // SECTOR)))


def write(device: Path, number: int, part: Part) -> None:
    """Make `part` the entry `number` of the table on the card `device`, which is on it when this returns.

    What was at its beginning is wiped first: an old file system there could have the label of the one that runs. Raises
    OSError.
    """
    file = os.open(device, os.O_RDWR)
    try:
        os.pwrite(file, bytes(ALIGNMENT * SECTOR), part.start * SECTOR)
        os.fsync(file)
        os.pwrite(file, with_entry(os.pread(file, SECTOR, 0), number, part), 0)
        os.fsync(file)
    finally:
        os.close(file)


def _mb(sectors: int) -> int:
    return sectors * SECTOR // 1_000_000
