"""The board's light: one LED of the kernel, which blinks by itself once it was told how.

The LED class of Linux is files in a folder for each LED: `trigger` says who switches it (the present one stands in
brackets), `brightness` how bright it is, and the trigger "timer" adds `delay_on` and `delay_off` in milliseconds
(Linux, Documentation/leds/leds-class.rst and ledtrig-timer's sysfs ABI).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

LEDS = Path("/sys/class/leds")

_PRESENT = re.compile(r"\[([^\]]+)\]")


class Shown(Enum):
    """What people can tell apart: milliseconds on and off, None for a light that does not blink."""

    READY = None
    STARTING = (500, 500)
    SCANNING = (100, 100)
    ATTENTION = (100, 1900)


class NoLight(Exception):
    """The LED cannot be used."""


class Light:
    """The LED `name` in the folder `leds`. Raises NoLight when there is none of that name, with the names that are."""

    def __init__(self, name: str, leds: Path = LEDS) -> None:
        self._folder = leds / name
        self._shown: Shown | None = None
        try:
            self._brightest = self._read("max_brightness").strip()
            found = _PRESENT.search(self._read("trigger"))
        except OSError as error:
            there = ", ".join(sorted(each.name for each in leds.glob("*"))) or "none"
            raise NoLight(f'there is no LED "{name}" on this board; there are: {there}') from error
        self._before = found[1] if found else "none"

    def show(self, what: Shown) -> None:
        """Show `what`; nothing is written when it is shown already. Raises NoLight when the kernel refuses it."""
        if what is self._shown:
            return
        try:
            if what.value is None:
                self._write("trigger", "none")
                self._write("brightness", self._brightest)
            else:
                self._write("trigger", "timer")
                for name, milliseconds in zip(("delay_on", "delay_off"), what.value, strict=True):
                    self._write(name, str(milliseconds))
        except OSError as error:
            raise NoLight(f"{self._folder}: it cannot be switched: {error.strerror}") from error
        self._shown = what

    def give_back(self) -> None:
        """Leave the LED to whom it belonged before, as far as that is possible."""
        try:
            self._write("trigger", self._before)
        except OSError:
            pass  # its trigger is gone from the kernel; nobody is there to tell

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text("ascii", "replace")

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(text, "ascii")


def to_show(status: Mapping[str, Any] | None, *, starting: bool, troubled: bool) -> Shown:
    """What to show for the daemon's `status`, None where it does not answer.

    `starting`: it may take its time yet. `troubled`: there is something else that a person should look at. What a
    person must do comes before everything else, because nobody looks at a light that says all is well.
    """
    if status is None or not status.get("ready"):
        return Shown.STARTING if starting else Shown.ATTENTION
    states = {each.get("state") for each in status.get("scanners", [])}
    if troubled or not states or "Stopped" in states or not status.get("interfaces"):
        return Shown.ATTENTION
    return Shown.SCANNING if "Processing" in states else Shown.READY
