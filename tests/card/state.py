"""The state of a card that a board was using when the power went."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.card.image import STATE, Card

_PLAYED_BACK = re.compile(
    r"\w+: (recovering journal|clean, .*|\d+/\d+ files .*)"
    # In use, the file of orphans is marked; the mark is in the first superblock alone.
    r"|\w+ primary superblock features different from backup, check forced\."
    r"|\w+: Feature orphan_present is set but orphan file is clean\.|CLEARED\."
    # A file that was open when its last name went.
    r"|\w+: Clearing orphaned inode .*"
    # The kernel counts anew when it mounts.
    r"|\w+: Free (blocks|inodes) count wrong .*|FIXED\."
)
"""What e2fsck says of a file system that was in use and is in order."""


def look_into_state(card: Card, folder: Path, when: str) -> Path:
    """The journal is played back, and what the kernel puts right at each start; nothing else may be wrong.

    `when` says in a failure what happened to `card` before. Returns a file with the state after that.
    """
    state = card.extract(STATE, folder / "state.img")
    played = subprocess.run(["e2fsck", "-p", str(state)], check=False, capture_output=True, text=True)
    unexpected = [line for line in played.stdout.splitlines() if not _PLAYED_BACK.fullmatch(line)]
    assert not unexpected, f"{when}: {played.stdout}"
    checked = subprocess.run(["e2fsck", "-f", "-n", str(state)], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, f"{when}: {checked.stdout}"
    return state
