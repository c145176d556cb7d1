"""Puts the card's settings into effect, as root, before the network comes up: name, WLAN, ssh, and the daemon's file.

The root file system is a layer in memory, so that everything here is written anew at each start, and nothing of an old
setting stays. A step that fails is told and does not keep the others from being done: the board must come up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.board import wlan
from bridge.board.card import Card, boot_settings, choose
from bridge.board.panel import Wanted
from bridge.board.settings import Board
from bridge.machine import machine_seed
from bridge.system.board_notes import SETTINGS_NOTE, UPDATE_NOTE

CARD_FILE = "boot/firmware/scanbridge.toml"
KEPT_FILE = "state/board/scanbridge.toml"
OUTCOME_FILE = "state/update/outcome.json"
BOOT_FILE = "run/scanbridge/boot.toml"
FIREWALL_FILE = "run/scanbridge-board/port.nft"
RESULT_FILE = SETTINGS_NOTE
PANEL_FILE = "run/scanbridge-board/panel.json"
"""Paths below the root: the file that people write, the last good one, what became of the last update, what the
daemon reads, what the firewall lets in besides, what became of the settings, and what light and button are wanted,
which exists only where one is."""

NAME = "scanbridge"
SERIAL_DIGITS = 4

Run = Callable[[Sequence[str]], None]
"""Runs a command; raises OSError or subprocess.CalledProcessError when it fails."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the settings: the board's name, and a sentence for each thing that went wrong."""

    hostname: str
    problems: tuple[str, ...]


def apply(root: Path, run: Run) -> Applied:
    """Put the settings into effect in the system whose root is `root`; `run` changes what is running."""
    try:
        (root / KEPT_FILE).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        pass  # choose() tells what follows from it
    chosen = choose(root / CARD_FILE, root / KEPT_FILE)
    board = chosen.card.board
    hostname = board.hostname or default_hostname(root)
    problems = list(chosen.problems)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("the settings of the bridge", lambda: _write(root / BOOT_FILE, boot_settings(chosen.card))),
        ("the firewall", lambda: _firewall(root, chosen.card)),
        ("the name", lambda: _name(root, hostname, run)),
        ("the WLAN", lambda: _wlan(root, board)),
        ("ssh", lambda: _ssh(root, board, run)),
        ("automatic updates", lambda: _updates(board, run)),
        ("the note about the last update", lambda: _last_update(root)),
    ]
    for what, step in steps:
        try:
            step()
        except Exception as error:
            problems.append(f"{what} could not be set: {error}")
    applied = Applied(hostname, tuple(problems))
    result = {"hostname": applied.hostname, "problems": list(applied.problems)}
    _write(root / RESULT_FILE, json.dumps(result, indent=1) + "\n")
    if board.led or board.button_gpio >= 0:
        _write(root / PANEL_FILE, Wanted(board.led, board.button_gpio, bool(problems)).to_json())
    return applied


def default_hostname(root: Path) -> str:
    """A name that tells this board from others of its kind: the end of its serial number, or of its machine-id."""
    digits = "".join(character for character in machine_seed(root).rpartition(":")[2] if character.isalnum())
    return f"{NAME}-{digits[-SERIAL_DIGITS:].lower()}" if len(digits) >= SERIAL_DIGITS else NAME


def _firewall(root: Path, card: Card) -> None:
    port = card.bridge.get("network", {}).get("http_port")
    if port is not None:
        _write(root / FIREWALL_FILE, f"add element inet card served {{ {port} }}\n")


def _name(root: Path, hostname: str, run: Run) -> None:
    _write(root / "etc/hostname", hostname + "\n")
    _write(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n::1 localhost ip6-localhost ip6-loopback\n")
    run(["hostname", hostname])


def _wlan(root: Path, board: Board) -> None:
    if not board.wlan_ssid:
        return
    _write(root / "etc/iwd/main.conf", wlan.main_file(board))
    name, content = wlan.network_file(board)
    _write(root / "var/lib/iwd" / name, content, secret=True)


def _ssh(root: Path, board: Board, run: Run) -> None:
    if not board.ssh_key:
        return
    _write(root / "root/.ssh/authorized_keys", board.ssh_key + "\n", secret=True)
    run(["systemctl", "--no-block", "start", "ssh.service"])


def _updates(board: Board, run: Run) -> None:
    if board.auto_update:
        run(["systemctl", "--no-block", "start", "scanbridge-update.timer"])


def _last_update(root: Path) -> None:
    if (root / OUTCOME_FILE).exists():
        _write(root / UPDATE_NOTE, (root / OUTCOME_FILE).read_text(encoding="utf-8"))


def _write(path: Path, content: str, *, secret: bool = False) -> None:
    """Write a file that only root may read when it is `secret`, in a folder likewise."""
    path.parent.mkdir(mode=0o700 if secret else 0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600 if secret else 0o644)
    path.write_text(content, encoding="utf-8")
