"""What the units of the SD image run, as root: `python3 -m bridge.board apply`, `report`, `panel` and `trial`.

`boot-files FOLDER` is for the recipe of the image, which runs it in the new system.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.board.apply import PANEL_FILE, RESULT_FILE, apply
from bridge.board.gpio import ButtonLine, NoButton, open_button
from bridge.board.light import Light, NoLight
from bridge.board.panel import Panel, Wanted
from bridge.system import asking
from bridge.system.escape import safe
from bridge.system.places import SERVICE_SOCKET

CARD = Path("/boot/firmware")
REPORT_FILE = CARD / "scanbridge-report.txt"
COMMAND_TIMEOUT_S = 30
MAX_LOG_LINES = 12
PANEL_PATIENCE_S = 5.0
"""How long the daemon may take for each step of an answer to the panel."""

WARNING = "<4>"
"""Makes a line on standard error a warning of the journal (sd-daemon(3)), and so part of the report."""


def main(arguments: Sequence[str]) -> int:
    """Do what the one argument says; the exit status."""
    match arguments:
        case ["apply"]:
            for problem in apply(Path("/"), _run).problems:
                print(problem, file=sys.stderr)
        case ["report"]:
            _report()
        case ["panel"]:
            _panel()
        case ["trial"]:
            # Here and below: the start of the board waits for apply, which needs none of this.
            from bridge.board.update_command import judge_trial

            return judge_trial()
        case ["boot-files", folder]:
            from bridge.board import boot_files, slots

            boot_files.lay_down(boot_files.gather(Path("/"), slots.A), Path(folder) / slots.A.name)
        case _:
            print("usage: scanbridge-board apply | report | panel | trial | boot-files FOLDER", file=sys.stderr)
            return 2
    return 0


def _report() -> None:
    # Only here: they bring Twisted along, which would hold up the start of the board.
    from bridge.board import trial
    from bridge.board.report import Address, report, wait_for_addresses, wait_for_status, write_report
    from bridge.discovery.netif import interfaces
    from bridge.settings import Settings
    from bridge.system.places import sockets_to_ask

    status = wait_for_status(sockets_to_ask(Settings(), os.environ))
    try:
        result = json.loads((Path("/") / RESULT_FILE).read_text())
    except (OSError, ValueError):
        result = {"problems": ["they were not read; the log may say why"]}

    def look() -> list[Address]:
        found = interfaces([], ipv6=True)
        return [*(own.ip for each in found for own in each.ipv4), *(own.ip for each in found for own in each.ipv6)]

    addresses = wait_for_addresses(look, time.monotonic, time.sleep)
    text = report(result, status, addresses, _log(), trial.told(Path("/")))
    written = write_report(REPORT_FILE, text, _remount)
    print("the report on the card was " + ("written" if written else "up to date"), file=sys.stderr)


def _log() -> str:
    command = ["journalctl", "-b", "-p", "warning", "-o", "cat", "-n", str(MAX_LOG_LINES)]
    for program in ("scanbridge", "scanbridge-board", "iwd"):
        command += ["-t", program]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False).stdout
    except subprocess.TimeoutExpired:
        return "the log cannot be read: it takes too long"


def _panel() -> None:
    """Serve light and button until a signal ends it; what is not there is told, and the other one goes on."""
    wanted = Wanted.read(Path("/") / PANEL_FILE)
    light: Light | None = None
    line: ButtonLine | None = None
    try:
        light = Light(wanted.led) if wanted.led else None
    except NoLight as error:
        _warn(f"board.led: {error}")
    try:
        line = open_button(wanted.button_gpio) if wanted.button_gpio >= 0 else None
    except NoButton as error:
        _warn(f"board.button_gpio: {error}")
    if light is None and line is None:
        return

    def ask(request: Mapping[str, object]) -> Mapping[str, Any]:
        return asking.ask(SERVICE_SOCKET, request, PANEL_PATIENCE_S)

    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    panel = Panel(light, line, ask, _run, lambda seconds: _wait(line, seconds), troubled=wanted.troubled)
    try:
        while True:
            panel.step()
            while panel.problems:
                _warn(panel.problems.pop())
    finally:
        if light is not None:
            light.give_back()


def _wait(line: ButtonLine | None, seconds: float | None) -> bool:
    return bool(select.select([] if line is None else [line], [], [], seconds)[0])


def _warn(text: str) -> None:
    print(f"{WARNING}{safe(text)}", file=sys.stderr, flush=True)


def _remount(how: str) -> None:
    _run(["mount", "-o", f"remount,{how}", str(CARD)])


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, timeout=COMMAND_TIMEOUT_S, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
