"""The state directory's one file: written whole or not at all, read with suspicion.

It is written a handful of times a day at most, because it lives on an SD card.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from bridge.errors import StateError
from bridge.replacing import replace_file

FILE_NAME = "identity.json"
MAX_SIZE = 1024 * 1024
"""Bytes of a state file beyond which it is not ours."""

_REMEDY = (
    "give the user that runs scanbridge a directory it may write to: set [state] directory, or under systemd"
    " StateDirectory=scanbridge"
)
_FULL = (errno.ENOSPC, errno.EDQUOT)

log = Logger()


class StateFile:
    """A JSON object in `directory`, replaced as a whole so that a power cut leaves the old one or the new one."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / FILE_NAME

    def prepare(self) -> None:
        """Make the directory where it is missing. Raises StateError with the remedy when that cannot be done."""
        try:
            self.directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise _trouble(f"the state directory {self.directory} cannot be made", error) from error

    def read(self) -> dict[str, Any]:
        """What was written last; empty when there is nothing.

        A file that is damaged is kept beside as `.bad` for whoever wants to look, and counts as nothing: no state is
        worth a daemon that does not start. Raises StateError when there is a file and it may not be read.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_SIZE + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _trouble(f"the state file {self.path} cannot be read", error) from error
        try:
            if len(data) > MAX_SIZE:
                raise ValueError(f"more than {MAX_SIZE} bytes")
            # A number too long to be one of ours makes int() raise, nesting too deep RecursionError.
            content = json.loads(data)
            if not isinstance(content, dict):
                raise ValueError("no JSON object")
        except (ValueError, RecursionError) as error:
            self._set_aside(str(error))
            return {}
        return content

    def write(self, content: dict[str, Any]) -> None:
        """Replace the file by `content`, on the disk when this returns. Raises StateError with the remedy."""
        data = json.dumps(content, indent=1, ensure_ascii=True).encode("ascii") + b"\n"
        try:
            replace_file(self.path, data)
        except OSError as error:
            raise _trouble(f"the state file {self.path} cannot be written", error) from error

    def _set_aside(self, why: str) -> None:
        bad = self.path.with_suffix(".bad")
        log.error(
            "the state file {path} is damaged ({why}) and is kept as {bad}; lost are the names frozen for known"
            " scanners, the versions of their metadata and the last job number. Windows finds the scanners again by"
            " itself",
            path=str(self.path),
            why=why,
            bad=bad.name,
        )
        try:
            os.replace(self.path, bad)
        except OSError as error:
            log.warn("the damaged state file cannot be kept as {bad}: {error}", bad=bad.name, error=str(error))


def _trouble(what: str, error: OSError) -> StateError:
    """`what` cannot be done because of `error`, and what to do about it."""
    remedy = "make room on its disk" if error.errno in _FULL else _REMEDY
    return StateError(f"{what} ({error.strerror}); {remedy}")
