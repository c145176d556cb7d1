"""A card: a copy of the image that a person flashes, whose files can be read and written from outside as on a PC."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
BOOT, ROOT, STATE, OTHER_ROOT = 0, 1, 2, 3
"""The parts of a card in the order of its table; the last is made by the first update."""

CARD_SIZE = 8 << 30
"""Bytes of the card: a power of two, as QEMU wants it, and room for updates."""

SETTINGS = "scanbridge.toml"
REPORT = "scanbridge-report.txt"


@dataclass(frozen=True)
class Part:
    """Where a part of the card lies, in bytes."""

    start: int
    size: int


class Card:
    """A card in the file `path` for a board of `model`, a name in tests/card/models.py; see `flash`."""

    def __init__(self, path: Path, model: str = "pc") -> None:
        self.path = path
        self.model = model

    def slot(self) -> str:
        """The slot that the firmware would start."""
        return self.read("config.txt").splitlines()[0].removeprefix("os_prefix=").rstrip("/")

    def write(self, name: str, content: str) -> None:
        """Write a file on the part that every computer can write."""
        self._mtools("mcopy", "-o", "-", f"::{name}", data=content.encode())

    def read(self, name: str) -> str:
        """Read a file from there, with the ends of lines of this machine."""
        return self._mtools("mcopy", f"::{name}", "-").decode().replace("\r\n", "\n").rstrip("\n") + "\n"

    def copy(self, name: str, to: Path) -> Path:
        """Copy a file from there; where it is."""
        to.write_bytes(self._mtools("mcopy", f"::{name}", "-"))
        return to

    def names(self, folder: str = "") -> list[str]:
        """What lies in a folder there."""
        told = self._mtools("mdir", "-b", f"::/{folder}").decode()
        return [line.rstrip("/").rpartition("/")[2] for line in told.splitlines() if line]

    def digest(self, part: int) -> str:
        """A checksum of a whole part."""
        place = self._part(part)
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            file.seek(place.start)
            left = place.size
            while left:
                piece = file.read(min(left, 1 << 22))
                digest.update(piece)
                left -= len(piece)
        return digest.hexdigest()

    def content(self) -> str:
        """A checksum of the whole card; where nothing was ever written is left out."""
        digest = hashlib.sha256()
        end = 0
        with self.path.open("rb") as file:
            while (start := _data_from(file.fileno(), end)) is not None:
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                digest.update(f"{start} {end} ".encode())
                file.seek(start)
                while piece := file.read(min(end - file.tell(), 1 << 22)):
                    digest.update(piece)
        return digest.hexdigest()

    def extract(self, part: int, to: Path) -> Path:
        """Copy a part into a file of its own; where it is."""
        place = self._part(part)
        with self.path.open("rb") as file, to.open("wb") as copied:
            file.seek(place.start)
            copied.write(file.read(place.size))
        return to

    def put(self, part: int, folder: str, files: dict[str, str]) -> None:
        """Write files into a folder in the root of a part with ext4, which the board is not using."""
        copied = self.extract(part, self.path.with_suffix(".part"))
        subprocess.run(["e2fsck", "-f", "-p", str(copied)], check=False, stdout=subprocess.DEVNULL)
        requests = [f"mkdir /{folder}"]
        for name, content in files.items():
            source = self.path.with_suffix(f".{name}")
            source.write_text(content)
            requests.append(f"write {source} /{folder}/{name}")
        subprocess.run(["debugfs", "-w", "-f", "-", str(copied)], check=True, input="\n".join(requests), text=True)
        with self.path.open("r+b") as file:
            file.seek(self._part(part).start)
            file.write(copied.read_bytes())

    def _part(self, number: int) -> Part:
        told = subprocess.run(["sfdisk", "--json", str(self.path)], check=True, capture_output=True, text=True)
        entry = json.loads(told.stdout)["partitiontable"]["partitions"][number]
        return Part(entry["start"] * SECTOR, entry["size"] * SECTOR)

    def _mtools(self, command: str, *words: str, data: bytes | None = None) -> bytes:
        place = f"{self.path}@@{self._part(BOOT).start}"
        done = subprocess.run([command, "-i", place, *words], check=True, input=data, capture_output=True)
        return done.stdout


def _data_from(file: int, place: int) -> int | None:
    try:
        return os.lseek(file, place, os.SEEK_DATA)
    except OSError:
        # There is none behind it.
        return None


def flash(image: Path, to: Path, model: str = "pc") -> Card:
    """A new card with `image` on it, for a board of `model`."""
    copied = copy(image, to, model)
    os.truncate(to, CARD_SIZE)
    return copied


def copy(card: Path, to: Path, model: str) -> Card:
    """A card with the same content as the one in the file `card`."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(card), str(to)], check=True)
    return Card(to, model)


def image() -> Path | None:
    """The unpacked image that hw/test-image has made, named in SCANBRIDGE_CARD."""
    named = os.environ.get("SCANBRIDGE_CARD")
    return Path(named) if named else None
