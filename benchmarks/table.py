"""What a benchmark gives: rows of figures, some with a target, each with what bounds it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

Figure = float | int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: `targets` are the most that some of the `figures` may be; `bound` says what limits it."""

    group: str
    name: str
    figures: Mapping[str, Figure]
    bound: str
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def missed(self) -> list[str]:
        """The figures that are above their target."""
        return [name for name, most in self.targets.items() if (self.figures.get(name) or 0.0) > most]

    def as_json(self) -> dict[str, Any]:
        """The row for a file."""
        return {
            "group": self.group,
            "name": self.name,
            **self.figures,
            "bound": self.bound,
            "targets": dict(self.targets),
            "missed": self.missed,
        }


class Table:
    """Prints rows as they come, a heading for each new set of columns, and keeps them for the file."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._columns: tuple[str, ...] = ()

    def add(self, row: Row) -> None:
        """One more row."""
        columns = tuple(row.figures)
        if columns != self._columns:
            self._columns = columns
            heading = "".join(f"{name:>{_width(name)}}" for name in columns)
            print(f"\n{row.group:<40}{heading}  bound by", flush=True)
        self.rows.append(row)
        cells = "".join(f"{_cell(row, name):>{_width(name)}}" for name in columns)
        print(f"{row.name:<40}{cells}  {row.bound}", flush=True)

    def close(self, settings: Mapping[str, Any], path: Path | None) -> None:
        """Say what was missed, and write everything to `path`."""
        judged = [row for row in self.rows if row.targets]
        missed = [f"{row.name}: {', '.join(row.missed)}" for row in judged if row.missed]
        if judged:
            print(f"\n{len(judged) - len(missed)} of {len(judged)} rows with targets reach them; ! marks what does not")
        for line in missed:
            print(f"  missed by {line}")
        if path is not None:
            content = {"machine": machine(), "settings": dict(settings), "rows": [row.as_json() for row in self.rows]}
            path.write_text(json.dumps(content, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """Where this was measured."""
    return {
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of each round's ratio: rounds of both sides lie side by side in time."""
    return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def _width(name: str) -> int:
    return max(9, len(name) + 2)


def _cell(row: Row, name: str) -> str:
    value = row.figures[name]
    if value is None:
        return "-"
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return f"!{text}" if name in row.missed else text
