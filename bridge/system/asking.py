"""Asking the running daemon over its control socket, without Twisted: for programs that must be small or start fast.

What goes over the socket is told in bridge/system/control.py, the daemon's side.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError, NothingFound, UsageError

MAX_ANSWER = 16 * 1024 * 1024
"""Longest answer in bytes that `ask` takes."""

ASK_TIMEOUT_S = 20.0
"""How long `ask` waits for each step of the daemon."""


class ControlError(BridgeError):
    """The running bridge refused the command, or said something that cannot be understood."""


KINDS: dict[str, type[BridgeError]] = {"nothing-found": NothingFound, "usage": UsageError}
"""Errors that reach the asking process as what they are; all others arrive as ControlError."""


class NotRunning(NothingFound):
    """No bridge is running on this machine."""


def ask(path: Path, request: Mapping[str, object], timeout: float = ASK_TIMEOUT_S) -> dict[str, Any]:
    """What the daemon at `path` answers; blocks, at most `timeout` seconds for each step.

    Raises NotRunning when nobody listens there, ControlError or one of KINDS when the daemon refuses the command.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
        except PermissionError as error:
            raise ControlError(f"{path}: no permission; ask as root or as a member of the socket's group") from error
        except OSError as error:
            raise NotRunning(f"no bridge is running on this machine (nobody listens at {path})") from error
        try:
            connection.sendall(json.dumps(dict(request)).encode() + b"\n")
            answer = _receive(connection)
        except OSError as error:
            raise ControlError(f"{path}: the bridge does not answer: {error}") from error
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise ControlError(f"{path}: the bridge's answer is no JSON") from error
    if isinstance(told, dict) and isinstance(told.get("result"), dict):
        result: dict[str, Any] = told["result"]
        return result
    if isinstance(told, dict) and isinstance(told.get("error"), str):
        kind = told.get("kind")
        raise KINDS.get(kind if isinstance(kind, str) else "", ControlError)(told["error"])
    raise ControlError(f"{path}: the bridge's answer cannot be understood")


def ask_first(paths: Sequence[Path], request: Mapping[str, object]) -> dict[str, Any]:
    """What the first daemon that listens at one of `paths` answers. Raises as `ask` does."""
    for path in paths[:-1]:
        try:
            return ask(path, request)
        except NotRunning:
            continue
    return ask(paths[-1], request)


def _receive(connection: socket.socket) -> bytes:
    received = bytearray()
    while chunk := connection.recv(65536):
        received += chunk
        if len(received) > MAX_ANSWER:
            raise ControlError("the bridge's answer is too long")
    return bytes(received)
