"""The plug is pulled at random moments of the start, of idle time and of scans: the board always starts again.

SCANBRIDGE_POWER_CUTS says how often (5); SCANBRIDGE_SEED repeats a run whose seed was printed.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from pathlib import Path

from tests.card.board import Board
from tests.card.image import ROOT, STATE, Card
from tests.card.test_1_first_start import PROJECT
from tests.interop.namespaces import Host

CUTS = int(os.environ.get("SCANBRIDGE_POWER_CUTS", "5"))
SEED = int(os.environ.get("SCANBRIDGE_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

LONGEST_START_S = 60.0
"""Cuts in the start come up to so long after the switch: an emulated start takes about that."""


def test_the_plug_is_pulled(card: Card, computer: Host, tmp_path: Path) -> None:
    """After every cut the system is bit for bit as flashed, the state is in order, and the scanner is the same."""
    print(f"SCANBRIDGE_SEED={SEED}")
    chance = random.Random(SEED)
    root = card.digest(ROOT)
    with Board(card, computer, tmp_path) as board:
        uuid = board.wait_until_ready()["scanners"][0]["uuid"]
    for cut in range(CUTS):
        moment = chance.choice(("start", "idle", "scan"))
        with Board(card, computer, tmp_path) as board:
            if moment == "start":
                time.sleep(chance.uniform(0, LONGEST_START_S))
            else:
                status = board.wait_until_ready()
                assert status["scanners"][0]["uuid"] == uuid
                if moment == "scan":
                    url = status["scanners"][0]["urls"]["service"].replace("127.0.0.1", board.address)
                    scan = ("-m", "bridge", "scan", "--url", url, "-o", str(tmp_path / "page.jpg"))
                    computer.start("/usr/bin/python3", *scan, cwd=PROJECT, stderr=subprocess.DEVNULL)
                time.sleep(chance.uniform(0, 5))
            board.pull_the_plug()
        assert card.digest(ROOT) == root, f"cut {cut} at {moment}: something was written to the system"
        state = card.extract(STATE, tmp_path / "state.img")
        # The journal is played back as the kernel does it at the next start; nothing else may be wrong.
        subprocess.run(["e2fsck", "-E", "journal_only", "-p", str(state)], check=False, stdout=subprocess.DEVNULL)
        checked = subprocess.run(["e2fsck", "-f", "-n", str(state)], check=False, capture_output=True, text=True)
        assert checked.returncode == 0, f"cut {cut} at {moment}: {checked.stdout}"
    with Board(card, computer, tmp_path) as board:
        assert board.wait_until_ready()["scanners"][0]["uuid"] == uuid
