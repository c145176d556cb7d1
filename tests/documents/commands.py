"""The commands in the documents: every line of every block marked `sh`, and the examples of --help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge import lessons

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"\s{2,}#.*$")


@dataclass(frozen=True)
class Command:
    """One line of a document."""

    document: str
    line: str

    def __str__(self) -> str:
        return f"{self.document}: {self.line}"


def documents() -> list[Path]:
    """What people read."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(path: Path) -> Iterator[Command]:
    """The commands of one document, in their order."""
    for block in _BLOCK.finditer(path.read_text(encoding="utf-8")):
        for line in block[2].splitlines():
            command = _COMMENT.sub("", line).strip()
            if command and not command.startswith("#"):
                yield Command(path.name, command)


def examples() -> Iterator[Command]:
    """The commands that --help shows."""
    for name in ("SERVE", "SCAN", "DISCOVER", "STATUS", "BUTTON", "DOCTOR"):
        text = str(getattr(lessons, name)).partition("examples:\n")[2].partition("\n\n")[0]
        for line in text.splitlines():
            # What an example means stands behind it, at a distance.
            yield Command(f"--help of {name.lower()}", re.split(r"\s{3,}", line.strip())[0])


def all_commands() -> list[Command]:
    """Everything, each line once for each document."""
    found = [command for path in documents() for command in commands_of(path)]
    return list(dict.fromkeys([*found, *examples()]))
