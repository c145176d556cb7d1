"""Running code with libsane in a process of its own.

SANE is never started in the process of the tests: it changes signal handlers, and its end can dead-lock.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bridge.scanner.configuration import config_directory

ROOT = Path(__file__).parent.parent.parent.parent

HANG_GUARD_S = 60
"""No test waits longer; nothing is measured by it."""


def environment(config: str | None = None) -> dict[str, str]:
    """The environment of a process that sees the virtual scanner, or what `config` names."""
    return {**os.environ, "SANE_CONFIG_DIR": config or config_directory("virtual"), "PYTHONPATH": str(ROOT)}


def run(code: str, config: str | None = None) -> str:
    """Run `code` and return what it printed; fails with its traceback when it fails."""
    command = [sys.executable, "-c", code + "\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n"]
    done = subprocess.run(
        command, env=environment(config), cwd=ROOT, capture_output=True, text=True, timeout=HANG_GUARD_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def virtual_config(folder: Path, **settings: str) -> str:
    """A SANE_CONFIG_DIR in `folder` like the virtual scanner's, with other initial values; _ stands for -."""
    source = Path(config_directory("virtual"))
    (folder / "dll.conf").write_text((source / "dll.conf").read_text())
    lines = (source / "test.conf").read_text().splitlines()
    names = {name.replace("_", "-"): value for name, value in settings.items()}
    kept = [line for line in lines if line.split(" ")[0].replace("_", "-") not in names]
    (folder / "test.conf").write_text("\n".join([*kept, *(f"{_spelling(n)} {v}" for n, v in names.items())]) + "\n")
    return str(folder)


def _spelling(name: str) -> str:
    """The backend spells its numeric settings with underscores."""
    underscored = ("resolution-", "geometry-", "number-", "tl-", "br-")
    return name.replace("-", "_") if name.startswith(underscored) else name
