"""The board's light, with the kernel's files for LEDs in a folder of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.board.light import Light, NoLight, Shown, to_show

READY: dict[str, Any] = {
    "ready": True,
    "interfaces": [{"name": "eth0", "addresses": ["192.168.1.20"]}],
    "scanners": [{"state": "Idle"}],
}


@pytest.fixture
def led(tmp_path: Path) -> Path:
    """The folder of an LED that shows what the card does."""
    folder = tmp_path / "ACT"
    folder.mkdir()
    for name, text in {
        "max_brightness": "255\n",
        "brightness": "0\n",
        "trigger": "none kbd-scrolllock [mmc0] timer default-on\n",
        "delay_on": "1\n",
        "delay_off": "1\n",
    }.items():
        (folder / name).write_text(text)
    return folder


def values(led: Path, *names: str) -> list[str]:
    """What stands in files of the LED."""
    return [(led / name).read_text() for name in names]


def test_ready_is_a_steady_light(led: Path) -> None:
    """As bright as it can be, and nobody else switches it."""
    Light("ACT", led.parent).show(Shown.READY)

    assert values(led, "trigger", "brightness") == ["none", "255"]


@pytest.mark.parametrize(
    ("what", "on", "off"),
    [(Shown.STARTING, "500", "500"), (Shown.SCANNING, "100", "100"), (Shown.ATTENTION, "100", "1900")],
)
def test_the_rest_blinks_by_the_kernel(led: Path, what: Shown, on: str, off: str) -> None:
    """The kernel's timer has it: nothing of ours runs for it."""
    Light("ACT", led.parent).show(what)

    assert values(led, "trigger", "delay_on", "delay_off") == ["timer", on, off]


def test_the_same_is_not_written_again(led: Path) -> None:
    """The blinking would begin anew each time."""
    light = Light("ACT", led.parent)
    light.show(Shown.SCANNING)
    (led / "trigger").write_text("untouched")

    light.show(Shown.SCANNING)

    assert values(led, "trigger") == ["untouched"]


def test_it_is_given_back(led: Path) -> None:
    """At the end the light shows what it showed before."""
    light = Light("ACT", led.parent)
    light.show(Shown.READY)

    light.give_back()

    assert values(led, "trigger") == ["mmc0"]


def test_a_light_that_is_not_there(led: Path) -> None:
    """The names that are there are told."""
    with pytest.raises(NoLight, match='no LED "PWR" on this board; there are: ACT'):
        Light("PWR", led.parent)
    with pytest.raises(NoLight, match="there are: none"):
        Light("PWR", led.parent / "empty")


def test_a_light_that_the_kernel_does_not_switch(led: Path) -> None:
    """A trigger that the kernel lacks, played by a file that cannot be written."""
    light = Light("ACT", led.parent)
    (led / "trigger").unlink()
    (led / "trigger").mkdir()

    with pytest.raises(NoLight, match="cannot be switched"):
        light.show(Shown.STARTING)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Shown.READY),
        ({"scanners": [{"state": "Idle"}, {"state": "Processing"}]}, Shown.SCANNING),
        ({"scanners": [{"state": "Stopped"}, {"state": "Processing"}]}, Shown.ATTENTION),
        ({"scanners": []}, Shown.ATTENTION),
        ({"interfaces": []}, Shown.ATTENTION),
        ({"ready": False}, Shown.STARTING),
    ],
)
def test_what_the_status_means(changes: dict[str, Any], expected: Shown) -> None:
    """Attention comes first: a cover that is open, no scanner, no network."""
    assert to_show({**READY, **changes}, starting=True, troubled=False) is expected


def test_who_does_not_answer_is_starting_for_a_while() -> None:
    """Then somebody should look; and where the settings have a mistake, at once."""
    assert to_show(None, starting=True, troubled=False) is Shown.STARTING
    assert to_show(None, starting=False, troubled=False) is Shown.ATTENTION
    assert to_show({**READY, "ready": False}, starting=False, troubled=False) is Shown.ATTENTION
    assert to_show(READY, starting=False, troubled=True) is Shown.ATTENTION
