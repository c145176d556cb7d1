"""A board that nobody uses writes nothing to its card: it would wear out, and a power cut could hit a write.

SCANBRIDGE_IDLE_S says how many seconds are looked at (120).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.card.board import WRITTEN, Board, make_key, sectors, settings
from tests.card.image import REPORT, Card
from tests.interop.namespaces import Host

IDLE_S = float(os.environ.get("SCANBRIDGE_IDLE_S", "120"))


def test_an_idle_board_writes_nothing(card: Card, computer: Host, tmp_path: Path) -> None:
    """Once the report has been written, the kernel counts not one sector more that was written to the card."""
    key, public = make_key(tmp_path)
    settings(card, f'[board]\nssh_key = "{public}"\n')
    with Board(card, computer, tmp_path, key) as board:
        board.wait_until_ready()
        board.until(lambda: "http://10.99.0.1:8018/" in card.read(REPORT))
        board.run("sync")
        before = sectors(board, WRITTEN)
        began = time.monotonic()
        while time.monotonic() - began < IDLE_S:
            time.sleep(min(10.0, IDLE_S))
            # A log-in and a look are part of it.
            print(f"{time.monotonic() - began:.0f} s: {sectors(board, WRITTEN) - before} sectors")
        board.run("sync")

        assert sectors(board, WRITTEN) == before
        assert before > 0
