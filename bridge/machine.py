"""What tells this machine, or a device, from every other of its kind."""

from __future__ import annotations

import re
from pathlib import Path

_ONE_CHARACTER = re.compile(r"(.)\1*")
_COUNTING = ("0123456789", "1234567890", "123456789", "123456", "12345678")


def machine_seed(root: Path = Path("/")) -> str:
    """What tells this machine from every other, empty when it has nothing of the kind.

    The board's serial number comes first, so that one SD image in two Pis gives two identities; then machine-id. Both
    go through a hash before anyone sees them. `root` is where the file system begins.
    """
    board = _first_line(root / "proc/device-tree/serial-number") or _cpuinfo_serial(root / "proc/cpuinfo")
    if tells_apart(board):
        return f"board:{board.lower()}"
    machine = _first_line(root / "etc/machine-id").lower()
    if re.fullmatch(r"[0-9a-f]{32}", machine) and tells_apart(machine):
        return f"machine-id:{machine}"
    return ""


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(256).decode("ascii", "replace")
    except OSError:
        return ""
    lines = text.replace("\0", "\n").splitlines()
    return lines[0].strip() if lines else ""


def _cpuinfo_serial(path: Path) -> str:
    """The Serial line that kernels for the Raspberry Pi write into /proc/cpuinfo."""
    try:
        text = path.read_text("ascii", "replace")
    except OSError:
        return ""
    found = re.search(r"^Serial\s*:\s*(\w+)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def tells_apart(serial: str) -> bool:
    """Whether a serial number looks as if its maker had filled it in."""
    return bool(serial) and not _ONE_CHARACTER.fullmatch(serial) and serial not in _COUNTING
