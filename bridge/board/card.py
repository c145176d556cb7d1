"""The settings file on the card: read with suspicion at each start, kept when it is good, laid under the daemon.

A file with a mistake changes nothing: the last good one stays in effect, so that a slip in one line does not take the
board off the WLAN (design, the image's settings file).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge import config
from bridge.board import settings as board_settings
from bridge.board.settings import Board
from bridge.errors import ConfigError
from bridge.replacing import replace_file
from bridge.settings import SECTIONS, Settings, contradictions

_SECTIONS = {**SECTIONS, "board": Board}

FIRMWARE_SETTINGS = "config.txt"
"""Lies beside the settings on every card; where it is missing, the folder is not the card's."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a card's file says: of the board, and of the bridge by section and key."""

    board: Board = field(default_factory=Board)
    bridge: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is in effect, and a sentence for each thing that is wrong with the file on the card."""

    card: Card
    problems: tuple[str, ...] = ()


def read_card(path: Path) -> Card:
    """What the file `path` says; nothing when it does not exist. Raises ConfigError with a line for each mistake."""
    values = config.read_one(path, _SECTIONS)
    board = Board(**values.pop("board", {}))  # type: ignore[arg-type]  # each value was read by its own kind
    bridge = Settings(**{section: SECTIONS[section](**keys) for section, keys in values.items()})
    wrong = contradictions(bridge) + board_settings.contradictions(board)
    if not bridge.network.http_port:
        wrong.append("network.http_port: expected a number, because the board's firewall must know the port")
    if wrong:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in wrong))
    return Card(board, values)


def choose(path: Path, kept: Path) -> Chosen:
    """The card's file if it is good, which is kept at `kept` then; else the one that was kept, else nothing.

    `kept` is written only when it changes: it lies on the card as well.
    """
    if not (path.parent / FIRMWARE_SETTINGS).exists():
        return Chosen(_kept(kept), (f"{path.parent}: this part of the card cannot be read; the log may say why",))
    try:
        card = read_card(path)
    except ConfigError as error:
        return Chosen(_kept(kept), tuple(str(error).splitlines()))
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        # A file that somebody has deleted is a wish, too.
        data = b""
    if not _holds(kept, data):
        try:
            replace_file(kept, data)
        except OSError as error:
            return Chosen(card, (f"{kept}: the settings cannot be kept: {error.strerror}",))
    return Chosen(card)


def boot_settings(card: Card) -> str:
    """The bridge's part of `card` as a settings file."""
    lines = ["# What the settings file on the card says, checked at the start of the board."]
    for section, keys in card.bridge.items():
        lines += ["", f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def _kept(path: Path) -> Card:
    try:
        return read_card(path)
    except ConfigError:
        return Card()


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _toml(value: object) -> str:
    """A checked value; JSON writes texts, numbers and lists of printable texts just as TOML does."""
    return json.dumps(value, ensure_ascii=False)
