"""A scanner made of an option dump: it takes and rounds settings as SANE's backends do.

`tests/unit/scanner/test_devices.py` holds it and the real test backend to the same answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.scanner.descriptors import Option, Options, Range, Value, from_json
from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import Status

DEVICES = Path(__file__).parent.parent / "devices"


def dumps() -> list[str]:
    """The names of all dumps."""
    return sorted(path.stem for path in DEVICES.glob("*.json"))


def load(name: str) -> dict[str, Any]:
    """The dump called `name`."""
    words: dict[str, Any] = json.loads((DEVICES / f"{name}.json").read_text())
    return words


class DumpDevice:
    """Options that change each other as a dump's rules say; `record` lists what was set, in order."""

    def __init__(
        self,
        options: Iterable[Option],
        rules: Iterable[dict[str, Any]] = (),
        limited: dict[str, str] | None = None,
        refuse: Iterable[str] = (),
    ) -> None:
        self._options = {option.name: replace(option, index=n) for n, option in enumerate(options)}
        self._rules = list(rules)
        self._limited = limited or {}
        self._refuse = set(refuse)
        self.record: list[tuple[str, Value]] = []

    @classmethod
    def from_dump(cls, name: str) -> DumpDevice:
        """The scanner of the dump called `name`."""
        words = load(name)
        options = [from_json(option) for option in words["options"]]
        return cls(options, words.get("rules", ()), words.get("limited"))

    def value(self, name: str) -> Value | None:
        """What the option `name` holds."""
        return self._options[name].value

    def options(self) -> Options:
        """The options as they are now."""
        return Options(self._now(option) for option in self._options.values())

    def set(self, option: Option, value: Value) -> None:
        """Take `value`, rounded; refuse what a backend refuses."""
        now = self._now(self._options[option.name])
        self.record.append((option.name, value))
        if option.name in self._refuse or not now.usable:
            raise ScanFailure(Status.INVALID, "The scanner refused a setting.")
        self._options[option.name] = replace(self._options[option.name], value=_taken(now, value))

    def _now(self, option: Option) -> Option:
        for rule in self._rules:
            if all(self._options[name].value in values for name, values in rule["when"].items()):
                for field, value in rule["set"].get(option.name, {}).items():
                    option = replace(option, **{field: Range(*value) if field == "range" else value})
        limit = self._limited.get(option.name)
        if limit is not None and option.range is not None:
            other = self._now(self._options[limit])
            if other.active and isinstance(other.value, (int, float)):
                option = replace(option, range=replace(option.range, maximum=float(other.value)))
        return option


def _taken(option: Option, value: Value) -> Value:
    """What a backend makes of `value`: the nearest of a list, within and on the grid of a range."""
    if option.type == "string":
        if option.choices is not None and value not in option.choices:
            raise ScanFailure(Status.INVALID, "The scanner refused a setting.")
        return value
    assert not isinstance(value, str), f"{option.name} takes a number"
    if option.type == "bool":
        return bool(value)
    if option.type == "int":
        assert isinstance(value, int), f"{option.name} takes a whole number"
    number = float(value)
    if option.choices is not None:
        number = min((float(choice) for choice in option.choices), key=lambda choice: abs(choice - number))
    elif option.range is not None:
        span = option.range
        number = min(max(number, span.minimum), span.maximum)
        if span.quant:
            number = span.minimum + int((number - span.minimum + span.quant / 2) / span.quant) * span.quant
    return int(number) if option.type == "int" else int(number * 65536) / 65536
