"""What the units of the SD image run, as root: `python3 -m bridge.board apply` and `report`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.board.apply import RESULT_FILE, apply

CARD = Path("/boot/firmware")
REPORT_FILE = CARD / "scanbridge-report.txt"
COMMAND_TIMEOUT_S = 30
MAX_LOG_LINES = 12


def main(arguments: Sequence[str]) -> int:
    """Do what the one argument says; the exit status."""
    match arguments:
        case ["apply"]:
            for problem in apply(Path("/"), _run).problems:
                print(problem, file=sys.stderr)
        case ["report"]:
            _report()
        case _:
            print("usage: scanbridge-board apply | report", file=sys.stderr)
            return 2
    return 0


def _report() -> None:
    # Only here: they bring Twisted along, which would hold up the start of the board.
    from bridge.board.report import report, wait_for_status, write_report
    from bridge.discovery.netif import interfaces
    from bridge.settings import Settings
    from bridge.system.places import sockets_to_ask

    status = wait_for_status(sockets_to_ask(Settings(), os.environ))
    try:
        result = json.loads((Path("/") / RESULT_FILE).read_text())
    except (OSError, ValueError):
        result = {"problems": ["they were not read; the log may say why"]}
    addresses = [
        str(ip)
        for found in interfaces([], ipv6=True)
        for ip in (*(own.ip for own in found.ipv4), *(own.ip for own in (*found.ipv6, *found.link_local)))
    ]
    written = write_report(REPORT_FILE, report(result, status, addresses, _log()), _remount)
    print("the report on the card was " + ("written" if written else "up to date"), file=sys.stderr)


def _log() -> str:
    command = ["journalctl", "-b", "-t", "scanbridge", "-p", "warning", "-n", str(MAX_LOG_LINES), "-o", "cat"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
    return done.stdout


def _remount(how: str) -> None:
    _run(["mount", "-o", f"remount,{how}", str(CARD)])


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, timeout=COMMAND_TIMEOUT_S, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
