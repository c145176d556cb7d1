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


def test_the_light_shows_how_the_bridge_is(card: Card, computer: Host, tmp_path: Path) -> None:
    """On when it is ready, blinking when it is not; at the end the LED is given back."""
    key, public = make_key(tmp_path)
    model = MODELS[card.model]
    light = f"/sys/class/leds/{model.light}"
    settings(card, f'[board]\nssh_key = "{public}"\nled = "{model.light}"\nbutton_gpio = 17\n')
    with Board(card, computer, tmp_path, key) as board:

        def reads(**expected: str) -> bool:
            return all(value in board.run("cat", f"{light}/{name}").split() for name, value in expected.items())

        board.wait_until_ready()
        brightest = board.run("cat", f"{light}/max_brightness").strip()
        board.until(lambda: reads(trigger="[none]", brightness=brightest))

        board.run("systemctl", "stop", UNIT)
        board.until(lambda: reads(trigger="[timer]"))
        board.run("systemctl", "start", UNIT)
        board.until(lambda: reads(trigger="[none]", brightness=brightest))

        told = board.run("journalctl", "-b", f"--unit={PANEL}", "--output=cat", "--no-pager")
        if model.has_header:
            assert "scanbridge" in board.run("grep", "gpio-.*17", "/sys/kernel/debug/gpio")
        else:
            assert "board.button_gpio: this board has no GPIO header" in told

        board.run("systemctl", "stop", PANEL)
        assert not reads(trigger="[timer]")
        assert board.run("systemctl", "--failed", "--plain", "--no-legend") == ""
