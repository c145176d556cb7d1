"""What a check has found: how bad, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from bridge.system.escape import safe

WELL = 0
WARNINGS = 1
BROKEN = 2
"""Exit statuses of `doctor`."""


class Level(str, Enum):
    """How bad it is: `broken` keeps a scan from working, `warning` may."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: `topic` in a word, `text` a sentence, `remedy` what to do, empty when nothing is to be done."""

    level: Level
    topic: str
    text: str
    remedy: str = ""

    def lines(self) -> list[str]:
        """As a person reads it."""
        mark = {Level.OK: "ok     ", Level.WARNING: "WARNING", Level.BROKEN: "BROKEN "}[self.level]
        told = [f"{mark}  {self.topic}: {safe(self.text)}"]
        return [*told, f"         -> {safe(self.remedy)}"] if self.remedy else told

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "level": self.level.value}


def ok(topic: str, text: str) -> Finding:
    """All is well here."""
    return Finding(Level.OK, topic, text)


def warning(topic: str, text: str, remedy: str) -> Finding:
    """This may be the trouble."""
    return Finding(Level.WARNING, topic, text, remedy)


def broken(topic: str, text: str, remedy: str) -> Finding:
    """This is trouble."""
    return Finding(Level.BROKEN, topic, text, remedy)


def exit_status(findings: Iterable[Finding]) -> int:
    """0 well, 1 warnings, 2 broken."""
    levels = {finding.level for finding in findings}
    return BROKEN if Level.BROKEN in levels else WARNINGS if Level.WARNING in levels else WELL
