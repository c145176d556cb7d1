"""Whether a new system works: it has to get the bridge ready, or the one before it is started again.

A new system that does not even come so far is taken back by its initial RAM disk at its second start
(scripts/local-top/scanbridge-trial).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bridge.board import slots
from bridge.board.apply import OUTCOME_FILE
from bridge.board.remount import writable
from bridge.board.slots import Verdict
from bridge.board.update import System, did_not_work
from bridge.replacing import replace_file
from bridge.system.board_notes import UPDATE_NOTE

READY_WITHIN_S = 300.0
"""How long the bridge of a new system may take until it is ready."""

STAYS_S = 20.0
"""How long it must then stay so."""

LOOK_EVERY_S = 2.0

UNIT = "scanbridge.service"

LAST_WORDS_FILE = "state/update/last-words"
"""What a bridge has said that did not get ready, for the system before; below the root."""

LAST_LINES = 3
MAX_WORDS = 500
"""So many lines of it are kept, and so many characters."""


def judge(system: System, now: Callable[[], float]) -> bool:
    """Settle what the marks of a trial ask for; whether the board has to restart. Raises UpdateError or OSError."""
    started = system.started()
    verdict = system.trial.verdict(started)
    if verdict is Verdict.NONE:
        return False
    last_words = system.root / LAST_WORDS_FILE
    if verdict is not Verdict.ON_TRIAL:
        words = last_words.read_text(encoding="utf-8") if last_words.exists() else ""
        tell(system, f"Not in effect: {verdict.value} (slot {started.name}).{words}")
        last_words.unlink(missing_ok=True)
        if verdict is Verdict.ROLLED_BACK:
            did_not_work(system)
        system.trial.end()
        return False
    if _gets_ready(system, now):
        system.trial.end()
        tell(system, f"In effect: the new system works (slot {started.name}).")
        return False
    before = slots.other(started)
    system.say(f"the bridge of the new system did not get ready; going back to slot {before.name}")
    # The log of this start goes with it.
    replace_file(last_words, _last_words(system).encode())
    with writable(system.remount):
        slots.choose(system.config, before)
    # The marks stay: the system before reads from them what has happened.
    return True


def tell(system: System, text: str) -> None:
    """Keep a sentence about the last update for report and status page, and write it to the log. Raises OSError."""
    system.say(text)
    note = json.dumps({"text": text})
    path = system.root / OUTCOME_FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, note.encode())
    for_the_page = system.root / UPDATE_NOTE
    for_the_page.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for_the_page.write_text(note, encoding="utf-8")


def told(root: Path) -> str:
    """The sentence about the last update, empty where there was none."""
    try:
        text = json.loads((root / OUTCOME_FILE).read_text())["text"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(text)


def _last_words(system: System) -> str:
    try:
        told = system.run(["journalctl", "--boot", "--unit", UNIT, "--output=cat", "--lines", str(LAST_LINES)])
    except slots.UpdateError:
        return ""
    words = " | ".join(told.split("\n")).strip(" |")
    return f" Its bridge said last: {words[-MAX_WORDS:]}" if words else ""


def _gets_ready(system: System, now: Callable[[], float]) -> bool:
    """Whether the bridge gets ready in time, and stays so without a restart."""
    end = now() + READY_WITHIN_S
    since, seen = 0.0, ""
    while now() < end:
        run = _ready_run(system)
        if not run or run != seen:
            since, seen = now(), run
        elif now() - since >= STAYS_S:
            return True
        system.sleep(LOOK_EVERY_S)
    return False


def _ready_run(system: System) -> str:
    """What tells the run of the bridge from every other run of it, empty while it is not ready."""
    try:
        shown = system.run(["systemctl", "show", "--property=ActiveState,InvocationID", UNIT])
    except slots.UpdateError:
        return ""
    values = dict(line.partition("=")[::2] for line in shown.splitlines())
    return values.get("InvocationID", "") if values.get("ActiveState") == "active" else ""
