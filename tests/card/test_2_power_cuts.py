"""The power goes at random moments of a board's life: it always starts again, and is the same scanner.

One board lives through start, idle time, a scan, writes of state, an update and the first start of the new system. At
each moment it stands still while its card is copied: the copy holds what the card of a board would hold whose power
went then. Each copy is put into a board of its own afterwards, unless it is bit for bit one that was tried already.

SCANBRIDGE_POWER_CUTS says how often (5); SCANBRIDGE_SEED repeats a run whose seed was printed; SCANBRIDGE_STAGES names
some of STAGES, with commas between them, where all would take too long.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.card.board import BOOT_S, Board, make_key, settings
from tests.card.image import ROOT, Card
from tests.card.package import PROJECT, newer_package
from tests.card.state import look_into_state
from tests.interop.namespaces import Host

CUTS = int(os.environ.get("SCANBRIDGE_POWER_CUTS", "5"))
SEED = int(os.environ.get("SCANBRIDGE_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)

STAGES = {
    "start": 60.0,
    "idle": 10.0,
    "scan": 8.0,
    "state": 30.0,
    "copying the system": 60.0,
    "installing": 60.0,
    "writing its kernel": 15.0,
    "is started next": 5.0,
    "first start": 70.0,
}
"""What a PC goes through, and up to how many seconds after its beginning a moment is drawn. Between "state" and
"first start" these are words with which an update begins a stage."""

CHOSEN = [stage for stage in os.environ.get("SCANBRIDGE_STAGES", ",".join(STAGES)).split(",") if STAGES[stage]]
UPDATE = list(STAGES)[4:]

NAME = "Old faithful"
NEW = "90.1"
PACKAGE = "/run/newer.deb"
_LOOK_S = 0.05


@dataclass(frozen=True)
class Cut:
    """A card as it was `seconds` after a stage began."""

    stage: str
    seconds: float
    card: Card

    def __str__(self) -> str:
        return f"{self.stage} + {self.seconds:.2f} s"


class Life:
    """What a board goes through, and the cards that its power cuts leave."""

    def __init__(self, board: Board, chance: random.Random, folder: Path) -> None:
        self.board = board
        self.cuts: list[Cut] = []
        self._folder = folder
        stages = chance.sample(CHOSEN, len(CHOSEN))
        drawn = [stages[number % len(stages)] for number in range(CUTS)]
        self._moments = {
            stage: sorted(chance.uniform(0, longest * board.model.slowness) for _ in range(drawn.count(stage)))
            for stage, longest in STAGES.items()
        }

    def go_through(self, stage: str) -> None:
        """Take the moments of a stage that begins now."""
        passed = 0.0
        for moment in self._moments[stage]:
            while passed < moment:
                began = time.monotonic()
                time.sleep(min(_LOOK_S, moment - passed))
                self.board.follow_restart()
                passed += time.monotonic() - began
            card = self.board.copy_card(self._folder / f"cut-{len(self.cuts)}.img")
            self.cuts.append(Cut(stage, moment, card))


@contextmanager
def program(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that is ended with the context."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_power_goes(card: Card, computer: Host, tmp_path: Path) -> None:
    """After every cut the system is bit for bit as flashed, the state is in order, and the scanner is the same."""
    print(f"SCANBRIDGE_SEED={SEED} SCANBRIDGE_POWER_CUTS={CUTS}")
    root = card.digest(ROOT)
    key, public = make_key(tmp_path)
    settings(card, f'[board]\nssh_key = "{public}"\n[scanner]\nname = "{NAME}"\n')
    with Board(card, computer, tmp_path, key) as board:
        life = Life(board, random.Random(SEED), tmp_path)
        life.go_through("start")
        status = board.wait_until_ready()
        uuid, old = status["scanners"][0]["uuid"], status["version"]
        life.go_through("idle")
        url = status["scanners"][0]["urls"]["service"].replace("127.0.0.1", board.address)
        scan = ("/usr/bin/python3", "-m", "bridge", "scan", "--url", url, "-o", str(tmp_path / "page.jpg"))
        with program(computer.start(*scan, cwd=PROJECT, stderr=subprocess.DEVNULL)):
            life.go_through("scan")
        # Each start of the bridge writes its InstanceId.
        with program(board.begin("sh", "-c", "for each in 1 2 3; do systemctl restart scanbridge; done")) as restarts:
            life.go_through("state")
            restarts.wait(timeout=BOOT_S)
        board.wait_until_ready()
        if set(UPDATE) & set(CHOSEN):
            update(life, tmp_path)

    assert len(life.cuts) == CUTS
    tried: dict[str, Cut] = {}
    for cut in life.cuts:
        content = cut.card.content()
        if content in tried:
            print(f"{cut}: the same card as {tried[content]}")
        else:
            assert cut.card.digest(ROOT) == root, f"{cut}: something was written to the system"
            start_again(cut, computer, tmp_path, uuid, {"a": old, "b": NEW})
            tried[content] = cut
        cut.card.path.unlink()


def start_again(cut: Cut, computer: Host, folder: Path, uuid: str, versions: dict[str, str]) -> None:
    """Put a card that a power cut has left into a board; `versions` are those in its slots."""
    # Without a serial number a machine is known by an id that its first start makes: none was seen by anybody before.
    state = look_into_state(cut.card, folder, str(cut))
    listed = subprocess.run(["debugfs", "-R", "ls -p /", str(state)], check=True, capture_output=True, text=True).stdout
    known = "/machine-id/" in listed
    with Board(cut.card, computer, folder) as board:
        status = board.wait_until_ready()
    slot = cut.card.slot()
    print(f"{cut}: slot {slot}, {status['version']}, {board.starts} starts{'' if known else ', its first one again'}")
    scanner = status["scanners"][0]
    assert scanner["name"] == NAME, str(cut)
    assert scanner["uuid"] == uuid or not known, str(cut)
    assert status["version"] == versions[slot], str(cut)
    # The power went again, and what the kernel played back before is in order.
    look_into_state(cut.card, folder, str(cut))


def update(life: Life, folder: Path) -> None:
    """Go through an update, until the new system is ready."""
    board = life.board
    board.send(newer_package(folder, NEW), PACKAGE)
    with program(board.begin("sh", "-c", f"scanbridge-update {PACKAGE} 2>&1")) as process:
        assert process.stdout is not None
        for stage in UPDATE[:-1]:
            for line in process.stdout:
                print(line, end="")
                if stage in line:
                    break
            else:
                raise AssertionError(f"the update ended before {stage!r}")
            life.go_through(stage)
        board.until_told(2, "")
        life.go_through(UPDATE[-1])
        board.wait_for(lambda status: status["ready"] and status["version"] == NEW)
