"""What can be counted of a running daemon, for tests that look whether something is left behind."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WARM_UP = 10
"""Rounds before memory is looked at: Python and its libraries have taken what they keep by then."""


@dataclass(frozen=True)
class Rest:
    """A daemon while nothing goes on; memory is resident memory."""

    descriptors: int
    threads: int
    memory_kib: int


def rest_of(pid: int) -> Rest:
    """The process `pid` as it is now."""
    return Rest(len(os.listdir(f"/proc/{pid}/fd")), status_of(pid, "Threads"), status_of(pid, "VmRSS"))


def zombies_of(parent: int) -> list[int]:
    """The children of `parent` that have ended and that it has not noticed."""
    return [pid for pid, state in children_of(parent).items() if state == "Z"]


def children_of(parent: int) -> dict[int, str]:
    """The children of `parent`, each with the letter of its state."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, ppid = (entry / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(ppid) == parent:
            found[int(entry.name)] = state
    return found


def status_of(pid: int, name: str) -> int:
    """A number of /proc/PID/status; memory is in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def growth_kib(memory_kib: Sequence[int]) -> float:
    """How much more memory there is at the end than after WARM_UP rounds: medians of quarters."""
    seen = memory_kib[WARM_UP:] or memory_kib
    quarter = max(1, len(seen) // 4)
    return statistics.median(seen[-quarter:]) - statistics.median(seen[:quarter])
