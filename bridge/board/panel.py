"""What a person sees and presses at the board itself: a light, and a button that is the scanner's button.

A short press is a press of the scanner's button; one that is held for LONG_PRESS_S shuts the board down. Both are off
unless the settings name them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.board.gpio import ButtonLine, Change
from bridge.board.light import Light, NoLight, Shown, to_show
from bridge.errors import BridgeError

LONG_PRESS_S = 3.0
"""From so long on a press means shut down; it is done while the button is still held, so that the person sees it."""

LOOK_EVERY_S = 2.0
"""Between two looks at the daemon's status while there is a light."""

STARTING_S = 300.0
"""So long after the panel's start a daemon that is not ready is taken to be starting."""

REFUSED_S = 5.0
"""How long the light asks for attention after a press that led to nothing."""

Ask = Callable[[Mapping[str, object]], Mapping[str, Any]]
"""Asks the daemon; raises BridgeError when it does not answer or refuses."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings name: an LED, empty for none, and a GPIO, negative for none; `troubled` as for `to_show`."""

    led: str
    button_gpio: int
    troubled: bool = False

    def to_json(self) -> str:
        """For `read`."""
        return json.dumps({"led": self.led, "button_gpio": self.button_gpio, "troubled": self.troubled}) + "\n"

    @classmethod
    def read(cls, path: Path) -> Wanted:
        """What stands in the file `path`. Raises OSError or ValueError."""
        told = json.loads(path.read_text())
        return cls(str(told["led"]), int(told["button_gpio"]), bool(told["troubled"]))


class Panel:
    """Light and button, each of which may be absent.

    `run` runs a command; `wait` returns within so many seconds, earlier when the button has changed, and says whether
    it has; `clock` is the monotonic one.
    """

    def __init__(
        self,
        light: Light | None,
        line: ButtonLine | None,
        ask: Ask,
        run: Callable[[Sequence[str]], None],
        wait: Callable[[float | None], bool],
        *,
        troubled: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._light = light
        self._line = line
        self._ask = ask
        self._run = run
        self._wait = wait
        self._troubled = troubled
        self._clock = clock
        self._begun = clock()
        self._next_look = self._begun
        self._refused_until = self._begun
        self._down_since: float | None = None
        self.problems: list[str] = []
        """What went wrong since somebody looked, for the log."""

    def step(self) -> None:
        """Wait for whatever comes next, and do it."""
        if self._light is not None and self._clock() >= self._next_look:
            self._look()
        if self._wait(self._patience()) and self._line is not None:
            for change in self._line.read():
                self._changed(change)
        if self._down_since is not None and self._clock() >= self._down_since + LONG_PRESS_S:
            self._shut_down()

    def _patience(self) -> float | None:
        """How long nothing needs to be done, None for ever."""
        ends = [] if self._light is None else [self._next_look]
        if self._down_since is not None:
            ends.append(self._down_since + LONG_PRESS_S)
        return max(0.0, min(ends) - self._clock()) if ends else None

    def _look(self) -> None:
        now = self._clock()
        self._next_look = now + LOOK_EVERY_S
        try:
            status: Mapping[str, Any] | None = self._ask({"command": "status"})
        except BridgeError:
            status = None
        troubled = self._troubled or now < self._refused_until
        self._show(to_show(status, starting=now < self._begun + STARTING_S, troubled=troubled))

    def _changed(self, change: Change) -> None:
        if change.down:
            self._down_since = change.at
            return
        # Who lets go late has had a long press, whether or not it was seen in time.
        since, self._down_since = self._down_since, None
        if since is None:
            return
        if change.at - since >= LONG_PRESS_S:
            self._shut_down()
        else:
            self._press()

    def _press(self) -> None:
        try:
            self._ask({"command": "button", "device": None, "destination": None})
        except BridgeError as error:
            self.problems.append(f"the button led to nothing: {error}")
            self._refused_until = self._clock() + REFUSED_S
        # Whatever came of it, people want to see it now.
        self._next_look = self._clock()

    def _shut_down(self) -> None:
        self._down_since = None
        self._show(Shown.STARTING)
        self._next_look = self._clock() + STARTING_S
        try:
            self._run(["systemctl", "poweroff"])
        except Exception as error:
            self.problems.append(f"the board could not be shut down: {error}")

    def _show(self, what: Shown) -> None:
        if self._light is None:
            return
        try:
            self._light.show(what)
        except NoLight as error:
            self.problems.append(str(error))
            self._light = None
