"""Orders for the chaos backend: what its scanner is and how it misbehaves; order.h has the language.

    order = Order(sheets=3, faults=[Fault("read", "status", 6, page=2, line=100)])     # a jam in mid-page
    write_order(folder, order)                                                         # folder is SANE_CONFIG_DIR

The backend reads its order anew whenever it is opened, started, or a sensor is looked at.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ORDER_FILE = "chaos.conf"
CALLS_FILE = "chaos.conf.calls"
WEDGED_FILE = "chaos.conf.wedged"
ONCE_FILE = "chaos.conf.once"

EVERY_PAGE = 0
"""A fault's page when it is to come in every page."""

ONCE = -1
"""A fault's page when it is to come once only, in whichever process."""

STATUSES = (
    "GOOD",
    "UNSUPPORTED",
    "CANCELLED",
    "DEVICE_BUSY",
    "INVAL",
    "EOF",
    "JAMMED",
    "NO_DOCS",
    "COVER_OPEN",
    "IO_ERROR",
    "NO_MEM",
    "ACCESS_DENIED",
)
"""SANE's statuses by number (SANE standard 4.2.7)."""


@dataclass(frozen=True)
class Fault:
    """One misbehaviour: at `moment` do `action` with `number`; see order.h for the words."""

    moment: str
    action: str
    number: int = 0
    page: int = EVERY_PAGE
    line: int = 0


@dataclass(frozen=True)
class Sensor:
    """A read-only option; each look takes the next of `values`, and the last one stays."""

    name: str
    values: Sequence[bool | int | str]

    @property
    def type(self) -> str:
        """SANE's type for the values."""
        return {bool: "bool", int: "int", str: "string"}[type(self.values[0])]


@dataclass(frozen=True)
class Order:
    """A scanner with a glass and a feeder for both sides, well-behaved unless something else is said.

    `names` are those of scanners that are not just counted, without "chaos:", `source_names` what the driver calls the
    sources by number, `empty` the number of a status; the rest is named as in order.h.
    """

    devices: int = 1
    names: Sequence[str] = ()
    sources: Sequence[str] = ("Flatbed", "ADF", "ADF Duplex")
    resolutions: Sequence[int] = (75, 100, 150, 300, 600, 1200)
    bed: tuple[float, float] = (216.0, 297.0)
    sheets: int = 3
    padding: int = 0
    source_names: Mapping[int, str] = field(default_factory=dict)
    grid: float = 0.0
    units: str = "mm"
    fixed_window: bool = False
    shift: tuple[float, float] = (0.0, 0.0)
    paper: int = 255
    gamma: float = 1.0
    backs: Sequence[str] = ()
    empty: int = 7
    fragile: bool = False
    sensors: Sequence[Sensor] = ()
    lies: Mapping[str, int] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    def lines(self) -> list[str]:
        """The order in the backend's language."""
        return [
            f"devices {0 if self.names else self.devices}",
            *(f"device {name}" for name in self.names),
            *(f"source {name}" for name in self.sources),
            *(f"resolution {number}" for number in self.resolutions),
            f"bed {self.bed[0]} {self.bed[1]}",
            f"sheets {self.sheets}",
            f"padding {self.padding}",
            *(f"rename {number} {name}" for number, name in self.source_names.items()),
            f"grid {self.grid}",
            *(["units pixel"] if self.units == "pixel" else []),
            *(["window fixed"] if self.fixed_window else []),
            f"shift {self.shift[0]} {self.shift[1]}",
            f"paper {self.paper}",
            f"gamma {round(self.gamma * 100)}",
            *(f"backs {word}" for word in self.backs),
            f"empty {self.empty}",
            *(["fragile 1"] if self.fragile else []),
            *(f"sensor {each.name} {each.type} {' '.join(map(_word, each.values))}" for each in self.sensors),
            *(f"lie {name} {number}" for name, number in self.lies.items()),
            *(f"fault {each.moment} {each.page} {each.line} {each.action} {each.number}" for each in self.faults),
        ]


def _word(value: bool | int | str) -> str:
    return value if isinstance(value, str) else str(int(value))


_serials = itertools.count(1)


def write_order(folder: Path, order: Order) -> None:
    """Put `order` into force: for a backend that runs already, from its next look on, with a fresh stack of sheets."""
    (folder / "dll.conf").write_text("chaos\n", encoding="ascii")
    draft = folder / f"{ORDER_FILE}.new"
    # The serial number makes an order that says the same again a new one.
    draft.write_text("\n".join([f"# order {next(_serials)}", *order.lines()]) + "\n", encoding="ascii")
    (folder / ONCE_FILE).unlink(missing_ok=True)
    os.replace(draft, folder / ORDER_FILE)


def calls(folder: Path) -> list[str]:
    """The calls that the backend has written down, oldest first."""
    return [call for _, call in calls_by_process(folder)]


def calls_by_process(folder: Path) -> list[tuple[int, str]]:
    """The calls that the backend has written down, each with the number of its process."""
    path = folder / CALLS_FILE
    if not path.exists():
        return []
    return [(int(pid), call) for pid, call in (line.split(" ") for line in path.read_text("ascii").splitlines())]
