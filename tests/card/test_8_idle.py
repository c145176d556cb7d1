"""A board that nobody uses writes nothing to its card: it would wear out, and a power cut could hit a write.

SCANBRIDGE_IDLE_S says how many seconds are looked at (120).
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.card.board import Board, make_key, settings
from tests.card.image import REPORT, Card
from tests.interop.namespaces import Host

IDLE_S = float(os.environ.get("SCANBRIDGE_IDLE_S", "120"))
SECTORS_WRITTEN = 9
"""The place of that number in a line of /proc/diskstats."""


def test_an_idle_board_writes_nothing(card: Card, computer: Host, tmp_path: Path) -> None:
    """Once the report has been written, the kernel counts not one sector more that was written to the card."""
    key, public = make_key(tmp_path)
    settings(card, f'[board]\nssh_key = "{public}"\n')
    with Board(card, computer, tmp_path, key) as board:
        board.wait_until_ready()
        board.until(lambda: "http://10.99.0.1:8018/" in card.read(REPORT))
        board.run("sync")
        before = written(board)
        began = time.monotonic()
        while time.monotonic() - began < IDLE_S:
            time.sleep(min(10.0, IDLE_S))
            # A log-in and a look are part of it.
            print(f"{time.monotonic() - began:.0f} s: {written(board) - before} sectors")
        board.run("sync")

        assert written(board) == before
        assert before > 0


def written(board: Board) -> int:
    """Sectors written to the card since the start of the board."""
    lines = [line.split() for line in board.run("cat", "/proc/diskstats").splitlines()]
    (count,) = (int(line[SECTORS_WRITTEN]) for line in lines if line[2] == "vda")
    return count
