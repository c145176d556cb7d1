"""QEMU's guest agent: runs programs in a virtual machine, over a socket on this side and a serial port on that one."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LOOK_S = 0.1
_LARGEST_ANSWER = 64 * 1024 * 1024


class AgentAbsent(Exception):
    """The agent in the virtual machine does not answer."""


class Agent:
    """The agent behind the socket `path`. Raises AgentAbsent when an answer takes longer than `patience_s`."""

    def __init__(self, path: Path, environment: Mapping[str, str], patience_s: float) -> None:
        self._path = path
        self._environment = [f"{name}={value}" for name, value in environment.items()]
        self._patience_s = patience_s
        self._count = 0

    def answers(self) -> bool:
        """Whether the agent runs."""
        try:
            self._ask("guest-ping", patience_s=2.0)
        except AgentAbsent:
            return False
        return True

    def run(self, command: tuple[str, ...], hang_s: float) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, whatever comes of it. Raises subprocess.TimeoutExpired after `hang_s` seconds."""
        started = self._ask(
            "guest-exec",
            {
                "path": "/usr/bin/env",
                "arg": ["--", *command],
                "env": self._environment,
                "capture-output": True,
            },
        )
        hang = time.monotonic() + hang_s
        while not (status := self._ask("guest-exec-status", {"pid": started["pid"]}))["exited"]:
            if time.monotonic() > hang:
                raise subprocess.TimeoutExpired(command, hang_s)
            time.sleep(_LOOK_S)
        out, err = (base64.b64decode(status.get(name, "")).decode("utf-8", "replace") for name in _OUTPUTS)
        return subprocess.CompletedProcess(command, status.get("exitcode", -status.get("signal", 0)), out, err)

    def _ask(self, what: str, arguments: Mapping[str, Any] | None = None, patience_s: float = 0.0) -> Any:
        """One question on a connection of its own, begun with a number so that no older answer is taken for ours."""
        self._count += 1
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(patience_s or self._patience_s)
                connection.connect(str(self._path))
                with connection.makefile("rwb") as file:
                    _say(file, "guest-sync", {"id": self._count})
                    while _hear(file) != self._count:
                        pass
                    _say(file, what, arguments or {})
                    return _hear(file)
        except (OSError, ValueError) as error:
            raise AgentAbsent(f"{what}: {error}") from error


_OUTPUTS = ("out-data", "err-data")


def _say(file: Any, what: str, arguments: Mapping[str, Any]) -> None:
    file.write(json.dumps({"execute": what, "arguments": arguments}).encode() + b"\n")
    file.flush()


def _hear(file: Any) -> Any:
    line = file.readline(_LARGEST_ANSWER)
    if not line:
        raise OSError("the connection was closed")
    answer = json.loads(line)
    assert "error" not in answer, answer
    return answer["return"]
