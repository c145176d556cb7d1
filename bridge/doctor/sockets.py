"""Who holds a port, from /proc: without root only programs of the same user can be named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"
"""A TCP socket's state in /proc/net/tcp when it takes connections (include/net/tcp_states.h)."""

_INODE = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Holder:
    """A program that has a port open; `pid` is 0 and `name` empty when that cannot be seen."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})" if self.pid else "a program of another user"

    @property
    def ours(self) -> bool:
        """Whether it looks like a bridge."""
        return "scanbridge" in self.name or self.name.endswith("-m bridge")


def holders(kind: str, port: int, proc: Path = Path("/proc")) -> list[Holder]:
    """The programs that hold `port`; `kind` is tcp (those that listen) or udp."""
    inodes = {inode for family in (kind, f"{kind}6") for inode in _inodes(proc / "net" / family, port, kind == "tcp")}
    if not inodes:
        return []
    named = dict(_owners(inodes, proc))
    found = {named.get(inode, Holder(0, "")) for inode in inodes}
    return sorted(found, key=lambda holder: holder.pid)


def _inodes(table: Path, port: int, listening: bool) -> Iterator[str]:
    try:
        lines = table.read_text("ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        columns = line.split()
        if int(columns[1].rpartition(":")[2], 16) == port and (not listening or columns[3] == LISTEN):
            yield columns[9]


def _owners(inodes: set[str], proc: Path) -> Iterator[tuple[str, Holder]]:
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            for link in (entry / "fd").iterdir():
                found = _INODE.fullmatch(os.readlink(link))
                if found and found[1] in inodes:
                    yield found[1], Holder(int(entry.name), _name(entry))
        except OSError:
            # Ended meanwhile, or another user's.
            continue


def _name(entry: Path) -> str:
    words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    program = os.path.basename(words[0])
    if program.startswith("python") and len(words) > 1:
        module = words[1:3] if words[1] == "-m" else [os.path.basename(words[1])]
        return " ".join([program, *module])[:60]
    return program[:60] or (entry / "comm").read_text().strip()
