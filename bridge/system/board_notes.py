"""What the programs of the SD image leave for the status page: mistakes in the card's settings, and the last update."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = "run/scanbridge-board"
SETTINGS_NOTE = f"{FOLDER}/settings.json"
UPDATE_NOTE = f"{FOLDER}/update.json"
"""Paths below the root, of files with one JSON object each."""

_VALUE = re.compile(r"\A(.*?) = .*: (expected .*)", re.DOTALL)

MAX_BYTES = 65_536
"""So much of a note is read."""


def board_notes(root: Path = Path("/")) -> dict[str, Any] | None:
    """`problems`, sentences about the card's settings, and `update`, one about the last update; None on no SD image.

    The values of wrong settings are left out: everybody on the network may read this, and one could be a password.
    """
    if not (root / FOLDER).is_dir():
        return None
    problems = _note(root / SETTINGS_NOTE).get("problems")
    update = _note(root / UPDATE_NOTE).get("text")
    return {
        "problems": [_VALUE.sub(r"\1: \2", str(problem)) for problem in problems] if isinstance(problems, list) else [],
        "update": str(update or ""),
    }


def _note(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            note = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
