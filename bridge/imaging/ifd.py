"""Image file directories: the lists of tags in TIFF files and in the Exif segment of JPEG files."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7
"""Types of values."""

_CODES = {SHORT: "H", LONG: "L"}
_ENTRY_BYTES = 12
_INLINE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag's number, the type and count of its values, and the values as the file has them."""

    number: int
    kind: int
    count: int
    data: bytes


class Directory:
    """Makes tags and directories for a file of one byte order: "<" or ">"."""

    def __init__(self, order: Literal["<", ">"]) -> None:
        self.order = order

    @property
    def mark(self) -> bytes:
        """The byte-order mark and the magic number that a file begins with."""
        return (b"II" if self.order == "<" else b"MM") + struct.pack(f"{self.order}H", 42)

    def numbers(self, tag: int, kind: int, *values: int) -> Tag:
        """Whole numbers; `kind` is SHORT or LONG."""
        return Tag(tag, kind, len(values), struct.pack(f"{self.order}{len(values)}{_CODES[kind]}", *values))

    def rational(self, tag: int, value: int) -> Tag:
        """A fraction, here a whole number."""
        return Tag(tag, RATIONAL, 1, struct.pack(f"{self.order}LL", value, 1))

    def text(self, tag: int, value: str) -> Tag:
        """ASCII text."""
        data = value.encode("ascii") + b"\0"
        return Tag(tag, ASCII, len(data), data)

    def write(self, tags: Sequence[Tag], offset: int, following: int = 0) -> bytes:
        """The directory that lies at `offset`, with the values that do not fit in it behind it.

        `following` is where the next directory lies, 0 when this is the last.
        """
        entries, values = [], bytearray()
        behind = offset + 2 + _ENTRY_BYTES * len(tags) + 4
        for tag in sorted(tags, key=lambda tag: tag.number):
            if len(tag.data) <= _INLINE_BYTES:
                field = tag.data.ljust(_INLINE_BYTES, b"\0")
            else:
                field = struct.pack(f"{self.order}L", behind + len(values))
                values += tag.data + b"\0" * (len(tag.data) % 2)
            entries.append(struct.pack(f"{self.order}HHL", tag.number, tag.kind, tag.count) + field)
        count = struct.pack(f"{self.order}H", len(tags))
        return b"".join((count, *entries, struct.pack(f"{self.order}L", following), bytes(values)))
