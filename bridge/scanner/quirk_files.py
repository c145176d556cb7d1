"""Quirks files: found, read, checked, and matched with a scanner (manual: scanbridge-quirks.5).

A mistake in a file must not keep other scanners, or this one, from being served: the entry that has it is left out
whole, because half a quirk can do more harm than none, and all mistakes are told. A file that cannot be read counts as
empty. What is packaged with the bridge comes first, the administrator's files lie over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.config import nearest, plain, read_tables, shown
from bridge.scanner.model import Device
from bridge.scanner.quirk_kinds import (
    ButtonMap,
    EmptyWords,
    ModelPatterns,
    Offsets,
    Sentence,
    Sources,
    UsbIds,
)
from bridge.scanner.quirks import GAMMA_LIMITS, MAX_START_TIMEOUT_S, WHITE_LIMITS, Quirks
from bridge.setting_kinds import Flag, Kind, Number, Whole

PACKAGED = Path(__file__).parent / "quirks.d"
"""What the bridge brings along."""

ADMIN = Path("/etc/scanbridge/quirks.d")
"""The administrator's files, unless the settings name another folder."""

MAX_FILES = 100
"""Files read of one folder, in the order of their names."""

MAX_PROBLEMS = 50
"""Mistakes that are told of one folder."""

TABLE = "scanner"
"""What an entry is headed with in a file: [[scanner]]."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One key of an entry: what it may be, and its sentence in the manual."""

    key: str
    kind: Kind[Any]
    meaning: str
    example: str


MATCHING = (
    Declared("usb", UsbIds(), "the scanner's USB ids, as lsusb shows them", '["04a9:190a"]'),
    Declared(
        "model",
        ModelPatterns(),
        "vendor and model as scanimage -L shows them, capitals or not; a star stands for any characters",
        '["Canon LiDE 1*"]',
    ),
)
"""The keys that say which scanners an entry is for; one of them at least must be there."""

EVIDENCE = Declared("evidence", Sentence(), "how this is known; it changes nothing", '"tried with two of them"')

QUIRKS = (
    Declared(
        "platen",
        Sources(),
        "the driver's options that choose the glass; false when there is none, whatever the driver says",
        '{ source = "FB" }',
    ),
    Declared(
        "adf",
        Sources(),
        "the same for the feeder and one side; without it both sides are not offered either",
        '{ source = "Tray", sides = 1 }',
    ),
    Declared("adf_duplex", Sources(), "the same for the feeder and both sides", "false"),
    Declared(
        "page_sensor",
        Flag(),
        "false when the sensor for paper in the feeder lies: it is not asked then, and the first image tells",
        "false",
    ),
    Declared(
        "empty_means",
        EmptyWords(),
        "what the driver says when the feeder is empty; said before a page has begun, it means the end of the stack",
        '["jammed"]',
    ),
    Declared(
        "platen_offset_mm",
        Offsets(),
        "how many millimetres to the right of, and below, where the driver says it is the picture from the glass lies",
        "[1.5, 0]",
    ),
    Declared("feeder_offset_mm", Offsets(), "the same for the feeder, for both sides of a sheet", "[0, -3]"),
    Declared(
        "gamma",
        Number(*GAMMA_LIMITS),
        "lightens the middle of what the scanner delivers where it is above 1, darkens it below 1",
        "1.4",
    ),
    Declared(
        "white_level",
        Whole(*WHITE_LIMITS),
        "the level that the scanner gives to white paper; it becomes 255, and all darker ones in proportion",
        "235",
    ),
    Declared(
        "backs_turned",
        Flag(),
        "true when the back sides come upside down: they are kept until they can be turned upright",
        "true",
    ),
    Declared(
        "backs_last",
        Flag(),
        "true when the back sides come after the fronts of the whole stack, in the same order: the stack is kept until "
        "fronts and backs can be put together",
        "true",
    ),
    Declared(
        "survives_cancel",
        Flag(),
        "false when the scanner or its driver hangs after a cancel in mid-page: the page is read to its end first",
        "false",
    ),
    Declared(
        "start_timeout_s",
        Whole(1, MAX_START_TIMEOUT_S, "of seconds"),
        "how long this scanner may take until its first line, in place of scanner.start_timeout_s",
        "180",
    ),
    Declared(
        "buttons",
        ButtonMap(),
        "what the scanner's buttons are for, by the names that the log gives them when they are pressed",
        '{ button-1 = "scan", button-2 = "none" }',
    ),
)
"""The keys that say what is known: one for each field of Quirks."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one entry of a file says; `source` names both for people, `own` that it is the administrator's."""

    source: str
    own: bool
    usb: tuple[str, ...]
    models: tuple[str, ...]
    evidence: str
    values: Mapping[str, Any]

    def rank(self, device: Device) -> tuple[bool, int] | None:
        """How much the entry counts for `device`, None when it is for others.

        The administrator's count more than packaged ones, then USB ids more than full names of models, and these more
        than names with stars.
        """
        title = " ".join(device.title.split()).casefold()
        if device.usb_id and device.usb_id in self.usb:
            return self.own, 2
        if title in self.models:
            return self.own, 1
        return (self.own, 0) if any(matches(pattern, title) for pattern in self.models) else None


@dataclass(frozen=True, slots=True)
class KnownQuirks:
    """Everything that the files say, in their order, and what was wrong in them."""

    entries: tuple[Entry, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, device: Device) -> tuple[Quirks, tuple[str, ...]]:
        """What is known of `device`, and from where; entries lie over one another key by key.

        Of entries that count the same the later one wins, files in the order of their names.
        """
        ranked = [(rank, entry) for entry in self.entries if (rank := entry.rank(device)) is not None]
        ranked.sort(key=lambda pair: pair[0])
        values: dict[str, Any] = {}
        for _, entry in ranked:
            values.update(entry.values)
        return Quirks(**values), tuple(entry.source for _, entry in ranked)


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is as `pattern` says, in which a star stands for any characters, also for none."""
    first, *parts = pattern.split("*")
    if not parts:
        return pattern == text
    *middle, last = parts
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def quirk_directories(own: str = "") -> tuple[Path, Path]:
    """The packaged files' folder, and the administrator's: `own`, or the usual one."""
    return PACKAGED, Path(own) if own else ADMIN


def load(directories: Sequence[Path]) -> KnownQuirks:
    """What the files in `directories` say; the first holds the packaged ones, the others the administrator's.

    Never fails: what is wrong is among the problems, each naming file, entry, key and what was expected.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    for number, directory in enumerate(directories):
        wrong: list[str] = []
        for path in _files(directory, wrong):
            entries += _entries(path, number > 0, wrong)
        problems += wrong[:MAX_PROBLEMS]
        if len(wrong) > MAX_PROBLEMS:
            problems.append(f"{directory}: {len(wrong) - MAX_PROBLEMS} more mistakes")
    return KnownQuirks(tuple(entries), tuple(problems))


def _files(directory: Path, problems: list[str]) -> list[Path]:
    try:
        # Anything but a file, such as a pipe, could hold up the daemon.
        found = sorted(path for path in directory.iterdir() if path.suffix == ".toml" and path.is_file())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.append(f"{directory}: it cannot be read: {error.strerror or error}")
        return []
    if len(found) > MAX_FILES:
        problems.append(f"{directory}: {len(found)} files; only the first {MAX_FILES} are read")
    return found[:MAX_FILES]


def _entries(path: Path, own: bool, problems: list[str]) -> list[Entry]:
    """The good entries of one file."""
    found: list[Entry] = []
    for name, rows in read_tables(path, False, problems).items():
        if name != TABLE or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            problems.append(f"{path}: {plain(name)}: expected nothing but entries that begin with [[{TABLE}]]")
            continue
        for number, row in enumerate(rows, 1):
            where = f"{path}: {TABLE} {number}"
            wrong = list(_mistakes(row))
            if wrong:
                problems.extend(f"{where}: {mistake}; the entry is left out" for mistake in wrong)
            else:
                found.append(_entry(where, own, row))
    return found


_KEYS = {one.key: one for one in (*MATCHING, EVIDENCE, *QUIRKS)}


def _mistakes(row: Mapping[str, Any]) -> list[str]:
    found = []
    for key, value in row.items():
        if key not in _KEYS:
            found.append(f"{plain(key)}: there is no such key; expected {nearest(key, _KEYS)}")
            continue
        try:
            _KEYS[key].kind.read(value)
        except ValueError:
            found.append(f"{key} = {shown(value)}: expected {_KEYS[key].kind.expected}")
    if not any(one.key in row for one in MATCHING):
        found.append("it says of no scanner what it is for: expected usb or model")
    return found


def _entry(source: str, own: bool, row: Mapping[str, Any]) -> Entry:
    values = {key: _KEYS[key].kind.read(value) for key, value in row.items()}
    usb, models, evidence = values.pop("usb", ()), values.pop("model", ()), values.pop("evidence", "")
    return Entry(source, own, usb, models, evidence, values)
