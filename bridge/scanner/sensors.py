"""The buttons and the paper sensor of an open device, inside the worker.

SANE knows no event: a button is an option that can be read and not set, and it has to be looked at. Which options
are buttons is told by their names and by the group they stand in (feasibility-sane.md 6); the groups also hold
sensors that are no buttons, and settings of the scanner's own panel that change without anybody wanting a scan.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from bridge.scanner.descriptors import Option, Value
from bridge.scanner.failure import ScanFailure
from bridge.scanner.protocol import ButtonPressed, Event, Status, Watching

MAX_BUTTONS = 32
"""Buttons looked at of one device; the richest known has 11."""

MAX_BUTTON_NAME = 64
"""Longest name of a button, in characters."""

MAX_FAILED_LOOKS = 3
"""So many looks in a row that fail, and the device is given back."""

DEBOUNCE_S = 1.0
"""A button that is pressed again within this time was pressed once: contacts bounce, and so do fingers."""

SIGN_OF_LIFE_S = 10.0
"""Longest time between two words of a worker that watches."""

PAPER_SENSORS = ("page-loaded", "adf-loaded", "doc-in-adf")
"""Options that tell whether the feeder holds paper, the usual one first."""

_GROUPS = re.compile(r"sensors?|buttons?", re.IGNORECASE)
_BUTTON = re.compile(r"(scan|e-?mail|fax|copy|pdf\d?|cancel|file|ocr|power|extra|web|send|print|start|stop)$|button")
_PANEL = re.compile(
    r"loaded|paper|edge|cover|open|power-save|feed|ink|error|skew|density|duplex|count|copies|calibrat|omr|card|lamp"
    r"|state$|status|newfile|bypass|color-bw|button-(update|controlled)"
)
_NOTHING = ("", "none", "0")
"""What an option that names the pressed button holds while there is none."""


class Watchable(Protocol):
    """An open device as far as its sensors go."""

    def listed_options(self) -> list[Option]:
        """All options in the device's order, groups among them."""

    def look(self, option: Option) -> Value:
        """What `option` holds now. Raises ScanFailure."""


@dataclass(frozen=True, slots=True)
class Sensors:
    """What can be watched of a device; `paper` is the sensor of its feeder."""

    buttons: tuple[Option, ...]
    paper: Option | None


def find_sensors(options: Iterable[Option]) -> Sensors:
    """The sensors among `options`, which come in the device's order with the groups that they stand in."""
    buttons: list[Option] = []
    paper: dict[str, Option] = {}
    in_group = False
    for option in options:
        if option.type == "group":
            in_group = bool(_GROUPS.fullmatch(option.name) or _GROUPS.fullmatch(option.title))
        elif not option.readable or option.settable or not option.active or not option.scalar:
            continue
        elif option.name in PAPER_SENSORS:
            paper[option.name] = option
        elif _is_button(option, in_group) and len(buttons) < MAX_BUTTONS:
            buttons.append(option)
    return Sensors(tuple(buttons), next((paper[name] for name in PAPER_SENSORS if name in paper), None))


def _is_button(option: Option, in_group: bool) -> bool:
    name = option.name.lower()
    if not 0 < len(name) <= MAX_BUTTON_NAME or not name.isprintable():
        return False
    if option.type == "string":
        return name == "button-pressed"
    if _PANEL.search(name) and name != "button-state":
        return False
    # Numbers in these groups are mostly what the panel is set to, so they must be named as buttons.
    return _BUTTON.match(name) is not None or (in_group and option.type == "bool")


class Presses:
    """Turns what a button holds at each look into presses; `clock` is monotonic.

    What the first look finds is no press: it may be as old as the device's memory. A button counts when it comes to
    hold something, and again only after `DEBOUNCE_S`.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[str, Value] = {}
        self._pressed_at: dict[str, float] = {}

    def seen(self, name: str, value: Value) -> str | None:
        """The option `name` holds `value`; the name of the button that was pressed, if one was."""
        before = self._held.get(name)
        self._held[name] = value
        if before is None or value == before or not value or (isinstance(value, str) and value in _NOTHING):
            return None
        button = value if isinstance(value, str) else name
        now = self._clock()
        if now - self._pressed_at.get(button, -DEBOUNCE_S) < DEBOUNCE_S:
            return None
        self._pressed_at[button] = now
        return button


class SensorWatch:
    """Looks at the sensors of an open device, all of them in one pass, and tells what it sees.

    One pass, because some devices read all buttons at once and keep each change until it is read.
    """

    def __init__(
        self, device: Watchable, tell: Callable[[Event], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._device = device
        self._tell = tell
        self._clock = clock
        self._sensors = find_sensors(device.listed_options())
        self._presses = Presses(clock)
        self._told: Watching | None = None
        self._told_at = 0.0
        self._failed_looks = 0
        if not self._sensors.buttons:
            raise ScanFailure(Status.UNSUPPORTED, "The scanner has no buttons that its driver can read.")

    def look(self) -> None:
        """Look once. Raises ScanFailure when it has failed several times in a row."""
        try:
            loaded = None if self._sensors.paper is None else bool(self._device.look(self._sensors.paper))
            held = [(option.name, self._device.look(option)) for option in self._sensors.buttons]
        except ScanFailure:
            self._failed_looks += 1
            if self._failed_looks >= MAX_FAILED_LOOKS:
                raise
            return
        self._failed_looks = 0
        # The paper goes first, so that whoever hears of a press knows where the paper lies.
        self._say(Watching(tuple(option.name for option in self._sensors.buttons), loaded))
        for name, value in held:
            button = self._presses.seen(name, value)
            if button is not None:
                self._tell(ButtonPressed(button[:MAX_BUTTON_NAME]))

    def _say(self, watching: Watching) -> None:
        now = self._clock()
        if watching != self._told or now - self._told_at >= SIGN_OF_LIFE_S:
            self._told, self._told_at = watching, now
            self._tell(watching)
