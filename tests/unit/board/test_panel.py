"""Light and button together, with a clock and a daemon in the hand of the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.board.gpio import Change
from bridge.board.light import NoLight, Shown
from bridge.board.panel import LONG_PRESS_S, LOOK_EVERY_S, REFUSED_S, STARTING_S, Panel, Wanted
from bridge.errors import NothingFound

IDLE: dict[str, Any] = {"ready": True, "interfaces": ["eth0"], "scanners": [{"state": "Idle"}]}


class Site:
    """A panel whose light remembers what it showed, whose button a test presses, and whose time a test lets pass."""

    def __init__(self, *, light: bool = True, troubled: bool = False) -> None:
        self.now = 100.0
        self.status: dict[str, Any] | None = IDLE
        self.destinations = True
        self.broken = False
        self.shown: list[Shown] = []
        self.asked: list[str] = []
        self.ran: list[Sequence[str]] = []
        self._coming: list[Change] = []
        self.panel = Panel(
            self if light else None,  # type: ignore[arg-type]
            self,  # type: ignore[arg-type]
            self._ask,
            self.ran.append,
            self._wait,
            troubled=troubled,
            clock=lambda: self.now,
        )

    # the light
    def show(self, what: Shown) -> None:
        if self.broken:
            raise NoLight("the light is broken")
        if self.shown[-1:] != [what]:
            self.shown.append(what)

    # the line
    def read(self) -> Iterator[Change]:
        while self._coming and self._coming[0].at <= self.now:
            yield self._coming.pop(0)

    def _ask(self, request: Mapping[str, object]) -> Mapping[str, Any]:
        self.asked.append(str(request["command"]))
        if request["command"] == "button":
            if not self.destinations:
                raise NothingFound("no computer has asked to be told")
            return {}
        if self.status is None:
            raise NothingFound("no bridge is running")
        return self.status

    def _wait(self, seconds: float | None) -> bool:
        """Time passes to the next change of the button, or to the end."""
        end = self.now + (3600.0 if seconds is None else seconds)
        if self._coming and self._coming[0].at <= end:
            self.now = max(self.now, self._coming[0].at)
            return True
        self.now = end
        return False

    def press(self, seconds: float) -> None:
        """Hold the button for so long, from now on."""
        self._coming += [Change(True, self.now), Change(False, self.now + seconds)]

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.now + seconds
        while self.now < end:
            self.panel.step()


def test_the_light_follows_the_bridge() -> None:
    """It starts, is ready, scans, needs somebody."""
    site = Site()
    site.status = None
    site.run(2 * LOOK_EVERY_S)
    for status in (IDLE, {**IDLE, "scanners": [{"state": "Processing"}]}, {**IDLE, "scanners": []}):
        site.status = status
        site.run(2 * LOOK_EVERY_S)

    assert site.shown == [Shown.STARTING, Shown.READY, Shown.SCANNING, Shown.ATTENTION]


def test_a_bridge_that_never_comes_needs_somebody() -> None:
    """After five minutes it is not starting any more."""
    site = Site()
    site.status = None

    site.run(STARTING_S + 2 * LOOK_EVERY_S)

    assert site.shown == [Shown.STARTING, Shown.ATTENTION]


def test_mistakes_in_the_settings_need_somebody() -> None:
    """The report on the card says which."""
    site = Site(troubled=True)

    site.run(LOOK_EVERY_S)

    assert site.shown == [Shown.ATTENTION]


def test_a_short_press_is_the_scanners_button() -> None:
    """One press, one question to the daemon."""
    site = Site()

    site.press(LONG_PRESS_S - 0.1)
    site.run(10)

    assert site.asked.count("button") == 1
    assert site.ran == []
    assert site.panel.problems == []


def test_a_press_that_leads_to_nothing_is_seen_and_told() -> None:
    """Nobody has asked to be told of presses: the light says so for a while."""
    site = Site()
    site.destinations = False
    site.press(0.2)

    site.run(REFUSED_S + 2 * LOOK_EVERY_S)

    assert site.shown == [Shown.READY, Shown.ATTENTION, Shown.READY]
    assert site.panel.problems == ["the button led to nothing: no computer has asked to be told"]


def test_a_long_press_shuts_down_while_it_is_held() -> None:
    """Once, at three seconds and not later, and no scan comes of it."""
    site = Site()
    begun = site.now
    site.press(30.0)
    while not site.ran:
        site.panel.step()

    assert site.now == begun + LONG_PRESS_S
    site.run(60)
    assert site.ran == [["systemctl", "poweroff"]]
    assert "button" not in site.asked
    assert site.shown == [Shown.READY, Shown.STARTING]


def test_a_long_press_that_was_seen_late_is_one_all_the_same() -> None:
    """Both changes come at once, because the daemon kept us waiting: their times count."""
    site = Site()
    site.press(LONG_PRESS_S)
    site.now += 20.0

    site.panel.step()

    assert site.ran == [["systemctl", "poweroff"]]


def test_a_button_that_was_held_from_before_is_no_press() -> None:
    """Only its release is heard."""
    site = Site()
    site._coming = [Change(False, site.now + 1)]

    site.run(10)

    assert site.ran == []
    assert "button" not in site.asked


def test_without_a_light_nothing_is_asked() -> None:
    """The button alone costs nothing while nobody presses it."""
    site = Site(light=False)
    site.run(3600)
    assert site.asked == []

    site.press(0.1)
    site.run(1)

    assert site.asked == ["button"]


def test_a_light_that_breaks_is_told_once_and_the_button_goes_on() -> None:
    """One part does not take the other with it."""
    site = Site()
    site.broken = True
    site.run(10)
    assert site.panel.problems == ["the light is broken"]

    site.press(0.1)
    site.run(1)

    assert "button" in site.asked


@pytest.mark.parametrize("wanted", [Wanted("ACT", -1), Wanted("", 17, troubled=True)])
def test_what_is_wanted_comes_through_its_file(tmp_path: Path, wanted: Wanted) -> None:
    """What apply writes, the panel reads."""
    path = tmp_path / "panel.json"
    path.write_text(wanted.to_json())

    assert Wanted.read(path) == wanted
