"""The board's light and button with a real kernel: its LED class, and its pins where the board that QEMU plays has any.

QEMU's pins never change, so that no press is seen here.
"""

from __future__ import annotations

from pathlib import Path

from tests.card.board import Board, make_key, settings
from tests.card.image import Card
from tests.card.models import MODELS
from tests.interop.namespaces import Host
from tests.system.machine import UNIT

PANEL = "scanbridge-panel.service"
ABSENT = "ACT"
"""What the settings name where the kernel knows no LED."""


def test_light_and_button(card: Card, computer: Host, tmp_path: Path) -> None:
    """The light is on when the bridge is ready, and blinks when it is not; the button's pin is taken.

    What the board lacks of both is told, and the other one goes on.
    """
    key, public = make_key(tmp_path)
    model = MODELS[card.model]
    settings(card, f'[board]\nssh_key = "{public}"\nled = "{model.light or ABSENT}"\nbutton_gpio = 17\n')
    with Board(card, computer, tmp_path, key) as board:
        board.wait_until_ready()
        if model.light:
            assert_it_shows_how_the_bridge_is(board, f"/sys/class/leds/{model.light}")
        else:
            board.until(lambda: f'board.led: there is no LED "{ABSENT}" on this board' in told(board))
        if model.has_header:
            board.until(lambda: "scanbridge" in board.try_run("grep", "gpio-.*17", "/sys/kernel/debug/gpio").stdout)
        else:
            assert "board.button_gpio: this board has no GPIO header" in told(board)
        board.run("systemctl", "stop", PANEL)
        assert board.run("systemctl", "--failed", "--plain", "--no-legend") == ""


def assert_it_shows_how_the_bridge_is(board: Board, light: str) -> None:
    """The bridge ends and begins again, and the LED in the folder `light` shows it."""

    def reads(**expected: str) -> bool:
        return all(value in board.run("cat", f"{light}/{name}").split() for name, value in expected.items())

    brightest = board.run("cat", f"{light}/max_brightness").strip()
    board.until(lambda: reads(trigger="[none]", brightness=brightest))
    board.run("systemctl", "stop", UNIT)
    board.until(lambda: reads(trigger="[timer]"))
    board.run("systemctl", "start", UNIT)
    board.until(lambda: reads(trigger="[none]", brightness=brightest))


def told(board: Board) -> str:
    """What the panel has written to the log."""
    return board.run("journalctl", "-b", f"--unit={PANEL}", "--output=cat", "--no-pager")
