"""The report on the card: what a person finds in scanbridge-report.txt who has no other way to look inside.

The file lies on the card from the beginning, with room to spare, and is overwritten in place: its place on the card
never changes, so that a power cut in this moment can spoil the report but no other file. It is written at most once a
start, and only when it says something new.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from bridge.board.remount import Remount, writable
from bridge.errors import BridgeError
from bridge.system import asking
from bridge.system.escape import safe

Address = IPv4Address | IPv6Address

SIZE = 8192
"""Bytes of the file on the card."""

READY_WITHIN_S = 300.0
"""How long the bridge may take to be ready before the report is written without it."""

ADDRESS_WITHIN_S = 60.0
"""How long a bridge that is ready may be without an address for a browser: a WLAN is joined later."""

LOOK_EVERY_S = 2.0

MAX_PROBLEM = 500
"""Longest sentence of a problem, in characters."""


def report(
    result: Mapping[str, Any], status: Mapping[str, Any] | None, addresses: Sequence[str], log: str, update: str = ""
) -> str:
    """The text for people: `result` is what apply left, `status` the daemon's, None where it does not answer.

    `update` tells of the last one, empty where there never was one.
    """
    port = status["http_port"] if status else None
    lines = [
        f"Scanbridge on {result.get('hostname', 'this board')}",
        "This file is written by the board when it starts and something has changed. Changes of yours are lost.",
        "",
        "Addresses in the network, for a browser:",
        *([f"  {_url(address, port)}" for address in addresses] or ["  none: no cable, or the WLAN was not joined"]),
        "",
        "Scanners:",
        *_scanners(status),
        "",
        "The settings in scanbridge.toml:",
        *_list(result.get("problems", []), "good, and in effect"),
        "",
        "The last update:",
        *_list(update.splitlines(), "none yet"),
        "",
        "The last problems in the log:",
        *_list(log.splitlines(), "none"),
    ]
    return "\n".join(lines) + "\n"


def _url(address: str, port: object) -> str:
    if port is None:
        return address
    return f"http://[{address}]:{port}/" if ":" in address else f"http://{address}:{port}/"


def _scanners(status: Mapping[str, Any] | None) -> list[str]:
    if status is None:
        return ["  the bridge does not run; the log below may say why"]
    told = [f"  {safe(str(each['name']))}: {each['state']}" for each in status.get("scanners", [])]
    return told or ["  none is plugged in, or none that SANE knows"]


def _list(entries: Sequence[str], nothing: str) -> list[str]:
    return [f"  {safe(str(entry))[:MAX_PROBLEM]}" for entry in entries] or [f"  {nothing}"]


def on_card(text: str) -> bytes:
    """`text` as it lies in the file: lines as Windows ends them, filled up with empty lines to its size."""
    data = text.replace("\n", "\r\n").encode("utf-8", "replace")[:SIZE]
    return data + b"\r\n" * ((SIZE - len(data)) // 2) + b"\n" * ((SIZE - len(data)) % 2)


def write_report(path: Path, text: str, remount: Remount) -> bool:
    """Write `text` to the file `path` if it says something new; whether it did.

    Raises OSError.
    """
    data = on_card(text)
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        pass
    with writable(remount):
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.write(file, data)
            os.fsync(file)
        finally:
            os.close(file)
    return True


def wait_for_addresses(
    look: Callable[[], Sequence[Address]], now: Callable[[], float], sleep: Callable[[float], None]
) -> list[str]:
    """The addresses of `look` that a browser elsewhere can ask, as soon as there is one that a router gave.

    At the end of its time those that the board gave itself. Those of IPv6's own links no browser takes.
    """
    end = now() + ADDRESS_WITHIN_S
    while True:
        found = [address for address in look() if address.version == 4 or not address.is_link_local]
        if any(not address.is_link_local for address in found) or now() >= end:
            return [str(address) for address in found]
        sleep(LOOK_EVERY_S)


def wait_for_status(sockets: Sequence[Path]) -> Mapping[str, Any] | None:
    """What the daemon says of itself as soon as it is ready, or at the end of its time; None when it never answered."""
    status: Mapping[str, Any] | None = None
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end:
        try:
            status = asking.ask_first(sockets, {"command": "status"})
        except BridgeError:
            # It is not there, or ended while it was asked, or is too busy.
            status = None
        if status is not None and status.get("ready"):
            break
        time.sleep(LOOK_EVERY_S)
    return status
