"""The options of a device as plain values.

An option dump (a list of these, as JSON) of any scanner can stand in for the scanner wherever only its options
matter; tests/devices/ holds such dumps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Value = bool | int | float | str
"""What an option may hold; numeric tables are not among it."""

TYPES = ("bool", "int", "fixed", "string", "button", "group")
"""SANE's value types in the order of their numbers (SANE standard 4.2.9.4)."""

UNITS = ("none", "pixel", "bit", "mm", "dpi", "percent", "microsecond")
"""SANE's units in the order of their numbers (SANE standard 4.2.9.5)."""

CAP_SOFT_SELECT = 1
CAP_SOFT_DETECT = 4
CAP_INACTIVE = 32

WORD = 4
"""Bytes of a numeric value; a longer numeric option is a table."""

MAX_OPTIONS = 1000
"""Options looked at of one device; the richest known have fewer than 200."""


@dataclass(frozen=True, slots=True)
class Range:
    """A numeric constraint; `quant` 0 means that any value between the ends is allowed."""

    minimum: float
    maximum: float
    quant: float = 0.0


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it is and, when it could be read, what it holds.

    `type` is one of TYPES, `unit` one of UNITS. At most one of `range` and `choices` is set.
    """

    name: str
    type: str
    title: str = ""
    unit: str = "none"
    size: int = WORD
    active: bool = True
    settable: bool = True
    readable: bool = True
    range: Range | None = None
    choices: tuple[Value, ...] | None = None
    value: Value | None = None
    index: int = 0

    @property
    def usable(self) -> bool:
        """Whether it can be set now, to a single value."""
        return self.active and self.settable and self.scalar

    @property
    def scalar(self) -> bool:
        """Whether it holds one value."""
        return self.type == "string" or (self.numeric and self.size == WORD) or self.type == "bool"

    @property
    def numeric(self) -> bool:
        """Whether its value is a number."""
        return self.type in ("int", "fixed")


class Options:
    """The options of a device, by name."""

    def __init__(self, options: Iterable[Option]) -> None:
        self._by_name: dict[str, Option] = {}
        for option in options:
            if option.name and option.type != "group":
                self._by_name.setdefault(option.name, option)

    def get(self, name: str) -> Option | None:
        """The option called `name`, active or not."""
        return self._by_name.get(name)

    def usable(self, *names: str) -> Option | None:
        """The first of `names` that can be set now."""
        for name in names:
            option = self._by_name.get(name)
            if option is not None and option.usable:
                return option
        return None

    def number(self, name: str) -> float | None:
        """What the active numeric option `name` holds."""
        option = self._by_name.get(name)
        if option is None or not option.active or not option.numeric or isinstance(option.value, str):
            return None
        return None if option.value is None else float(option.value)

    def __iter__(self) -> Any:
        return iter(self._by_name.values())


def from_sane(row: Sequence[Any], value: Value | None = None) -> Option | None:
    """The option that python-sane describes by `row` of its `get_options`; None when it makes no sense."""
    try:
        index, name, title, _, kind, unit, size, capabilities, constraint = row
        span, choices = None, None
        if isinstance(constraint, tuple) and len(constraint) == 3:
            span = Range(float(constraint[0]), float(constraint[1]), float(constraint[2]))
        elif isinstance(constraint, list):
            choices = tuple(constraint)
        return Option(
            name=str(name or ""),
            type=TYPES[kind],
            title=str(title or ""),
            unit=UNITS[unit],
            size=int(size),
            active=not capabilities & CAP_INACTIVE,
            settable=bool(capabilities & CAP_SOFT_SELECT),
            readable=bool(capabilities & CAP_SOFT_DETECT),
            range=span,
            choices=choices,
            value=value,
            index=int(index),
        )
    except (ValueError, TypeError, IndexError):
        return None


def from_json(words: Mapping[str, Any]) -> Option:
    """An option out of a dump; raises KeyError, TypeError or ValueError for anything else."""
    fields = dict(words)
    span = fields.pop("range", None)
    choices = fields.pop("choices", None)
    if fields.get("type") not in TYPES or fields.get("unit", "none") not in UNITS:
        raise ValueError(f"option {fields.get('name')!r}: unknown type or unit")
    return Option(
        range=Range(*span) if span is not None else None,
        choices=tuple(choices) if choices is not None else None,
        **fields,
    )


def to_json(option: Option) -> dict[str, Any]:
    """`option` as a dump holds it, without what says nothing."""
    words: dict[str, Any] = {"name": option.name, "type": option.type}
    for name in ("title", "unit", "size", "active", "settable", "readable", "value"):
        if (given := getattr(option, name)) != Option.__dataclass_fields__[name].default:
            words[name] = given
    if option.range is not None:
        words["range"] = [option.range.minimum, option.range.maximum, option.range.quant]
    if option.choices is not None:
        words["choices"] = list(option.choices)
    return words
