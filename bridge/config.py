"""Settings files: found, read, checked and laid over one another (design: command line and settings).

A file may come from a Windows editor: a byte order mark, UTF-16 and CRLF are fine. A mistake is never passed over: one
ConfigError lists everything that is wrong in all files, so that a person mends them in one go.
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError
from bridge.settings import IGNORED_SECTIONS, SECTIONS, Declared, Settings, contradictions, declared

SYSTEM_FILE = Path("/etc/scanbridge/scanbridge.toml")
"""The administrator's settings."""

CHECKED_BOOT_FILE = Path("/run/scanbridge/boot.toml")
"""What the image made of the card's settings file at boot; it stands for BOOT_FILE where it exists."""

BOOT_FILE = Path("/boot/firmware/scanbridge.toml")
"""The settings on the part of a Raspberry Pi's card that every computer can write; they go over the system's."""

MAX_FILE = 65536
"""Largest settings file in bytes."""

MAX_SHOWN = 60
"""How many characters of a wrong value a message repeats."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def default_files(system: Path = SYSTEM_FILE, checked: Path = CHECKED_BOOT_FILE, boot: Path = BOOT_FILE) -> list[Path]:
    """The files that count when none is named, the later over the earlier."""
    return [system, checked if checked.exists() else boot]


def load(paths: Sequence[Path] | None = None, *, required: bool = False) -> Settings:
    """The settings in `paths`, the later over the earlier key by key; None stands for the default files.

    A file that does not exist is passed over unless `required`. Raises ConfigError with one line for each mistake.
    """
    files = tuple(default_files() if paths is None else paths)
    problems: list[str] = []
    values: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    for path in files:
        tables = read_tables(path, required, problems)
        for section, key, value in _checked(path, tables, SECTIONS, problems):
            values[section][key] = value
    settings = Settings(
        **{section: kind(**values[section]) for section, kind in SECTIONS.items()},
        files=files,
        required=required,
    )
    where = ", ".join(str(path) for path in files)
    problems.extend(f"{where}: {problem}" for problem in contradictions(settings))
    if problems:
        raise ConfigError("\n".join(problems))
    return settings


def reload(settings: Settings) -> Settings:
    """The same files read again. Raises ConfigError; then the old settings stay good."""
    return load(settings.files, required=settings.required)


def read_one(path: Path, sections: Mapping[str, type[Any]]) -> dict[str, dict[str, object]]:
    """The good settings in the file `path`, by section and key, checked against `sections`; none without the file.

    Raises ConfigError with one line for each mistake.
    """
    problems: list[str] = []
    values: dict[str, dict[str, object]] = {}
    for section, key, value in _checked(path, read_tables(path, False, problems), sections, problems):
        values.setdefault(section, {})[key] = value
    if problems:
        raise ConfigError("\n".join(problems))
    return values


def decode(data: bytes) -> str:
    """The text in a settings file as any common editor writes it, without a byte order mark.

    Raises ValueError, with advice, for bytes that are no text in UTF-8 or marked UTF-16.
    """
    mark, encoding = next((pair for pair in _MARKS if data.startswith(pair[0])), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not UTF-8; save the file again with the encoding UTF-8") from error
    if "\0" in text:
        raise ValueError("it holds zero bytes; save the file again with the encoding UTF-8")
    return text


def read_tables(path: Path, required: bool, problems: list[str]) -> Mapping[str, Any]:
    """The tables in the file `path`, none when it does not exist; what is wrong goes to `problems`.

    `required`: a file that does not exist is wrong too.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ValueError(f"it is larger than {MAX_FILE} bytes, which no settings file needs")
        return tomllib.loads(decode(data))
    except (FileNotFoundError, NotADirectoryError):
        if required:
            problems.append(f"{path}: there is no such file")
    except OSError as error:
        problems.append(f"{path}: it cannot be read: {error.strerror or error}")
    except RecursionError:
        problems.append(f"{path}: brackets are nested too deep")
    except ValueError as error:
        # TOMLDecodeError is a ValueError, and so is what Python says of a number with thousands of digits.
        problems.append(f"{path}: {error}")
    return {}


def _checked(
    path: Path, tables: Mapping[str, Any], sections: Mapping[str, type[Any]], problems: list[str]
) -> list[tuple[str, str, object]]:
    """The good settings of one file as (section, key, value); what is wrong goes to `problems`."""
    known: dict[str, dict[str, Declared]] = {section: {} for section in sections}
    for setting in declared(sections):
        known[setting.section][setting.key] = setting
    good: list[tuple[str, str, object]] = []
    for section, table in tables.items():
        if section not in known:
            if section in IGNORED_SECTIONS:
                continue
            problems.append(f"{path}: {_unknown_section(section, table, known)}")
            continue
        if not isinstance(table, dict):
            problems.append(f"{path}: {section}: expected a section, written as [{section}] on a line of its own")
            continue
        for key, value in table.items():
            one = known[section].get(key)
            if one is None:
                expected = nearest(key, known[section])
                problems.append(f"{path}: {section}.{plain(key)}: there is no such setting; expected {expected}")
                continue
            try:
                good.append((section, key, one.kind.read(value)))
            except ValueError:
                problems.append(f"{path}: {one.name} = {shown(value)}: expected {one.kind.expected}")
    return good


def _unknown_section(section: str, table: object, known: Mapping[str, Mapping[str, Declared]]) -> str:
    if not isinstance(table, dict):
        homes = [name for name, keys in known.items() if section in keys]
        if homes:
            return f"{section}: expected below the line [{homes[0]}]"
        return f"{plain(section)}: there is no such setting; every setting stands in a section such as [network]"
    return f"[{plain(section)}]: there is no such section; expected {nearest(section, known, '[{}]')}"


def nearest(word: str, words: Mapping[str, object], form: str = "{}") -> str:
    """The one of `words` that was meant, or all of them."""
    close = get_close_matches(word, words, n=1)
    if close:
        return form.format(close[0])
    return "one of " + ", ".join(form.format(one) for one in words)


def plain(text: str) -> str:
    """`text` short and without anything that moves the cursor."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text[:MAX_SHOWN])


def shown(value: object) -> str:
    """A value as it stands in a file, short."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return plain(text) + ("…" if len(text) > MAX_SHOWN else "")
