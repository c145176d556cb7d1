"""What `scanbridge-update` and the unit scanbridge-trial run, as root on a card with two slots."""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.board import trial, update
from bridge.board.slots import UpdateError
from bridge.board.update import System
from bridge.settings import Settings
from bridge.system import asking
from bridge.system.places import sockets_to_ask

COMMAND_TIMEOUT_S = 3600
"""Copying a system to a slow card takes minutes."""

MAX_WORDS = 2000
"""So many characters of what a failed command has said are told."""


def main(arguments: Sequence[str]) -> int:
    """scanbridge-update; the exit status: 0 done, 1 failed and nothing has changed."""
    parser = argparse.ArgumentParser(
        prog="scanbridge-update",
        description="Brings the system on this card up to date, in the slot of the card that does not run, and restarts"
        " the board into it. A new system that does not work is taken back by itself.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("package", nargs="?", type=Path, help="install this .deb instead of asking Debian's archive")
    what.add_argument("--back", action="store_true", help="start the system before the last update again")
    parser.add_argument(
        "--automatic", action="store_true", help="do not try packages again that were tried before and did not work"
    )
    parser.add_argument("--no-restart", action="store_true", help="leave the restart to somebody else")
    options = parser.parse_args(arguments)
    system = this_system()
    try:
        with _alone():
            if options.back:
                update.go_back(system)
            elif not update.update(system, options.package, automatic=options.automatic):
                return 0
            if not options.no_restart:
                system.say("restarting")
                restart(system)
    except (UpdateError, OSError) as error:
        print(f"scanbridge-update: {error}", file=sys.stderr)
        return 1
    return 0


def judge_trial() -> int:
    """The unit scanbridge-trial: settle a trial, and restart the board where that is needed."""
    system = this_system()
    try:
        if trial.judge(system, time.monotonic):
            restart(system)
    except (UpdateError, OSError) as error:
        print(f"the trial of a new system cannot be settled: {error}", file=sys.stderr)
        return 1
    return 0


def restart(system: System) -> None:
    """Restart the board in order."""
    system.run(["systemctl", "--no-block", "reboot"])


def this_system() -> System:
    """The system that runs this."""
    return System(Path("/"), os.uname().release, run, _scans, _say, time.sleep)


def run(command: Sequence[str]) -> str:
    """Run a command; what it prints. Raises UpdateError with its last words when it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_TIMEOUT_S,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UpdateError(f"{' '.join(command)}: it did not end within {COMMAND_TIMEOUT_S} s") from error
    if done.returncode:
        raise UpdateError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout[-MAX_WORDS:]}")
    return done.stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _scans() -> bool:
    """Whether a scan is going on, as the bridge says; a bridge that does not run has none."""
    try:
        status = asking.ask_first(sockets_to_ask(Settings(), os.environ), {"command": "status"})
    except asking.NotRunning:
        return False
    except asking.ControlError as error:
        raise UpdateError(f"the bridge does not say whether a scan is going on: {error}") from error
    return any(scanner.get("active_jobs") for scanner in status.get("scanners", []))


@contextmanager
def _alone() -> Iterator[None]:
    """One update at a time."""
    place = Path("/") / update.WORK
    place.mkdir(mode=0o755, exist_ok=True)
    with (place / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UpdateError("another update is going on") from error
        yield
