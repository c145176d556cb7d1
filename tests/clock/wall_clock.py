"""A clock on the wall that a test makes jump, for processes that it starts (see jump.c).

    clock = WallClock(tmp_path)
    ... start a process with clock.environment ...
    clock.jump(days=3650)
"""

from __future__ import annotations

import struct
import subprocess
from datetime import timedelta
from pathlib import Path


class WallClock:
    """Real time, but for what `jump` has added. Needs gcc."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "jump"
        self._file.write_bytes(struct.pack("=q", 0))
        self._library = folder / "libjump.so"
        flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared"]
        source = Path(__file__).parent / "jump.c"
        subprocess.run(["gcc", *flags, "-o", self._library, source, "-ldl"], check=True)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process see this clock."""
        return {"LD_PRELOAD": str(self._library), "CLOCK_JUMP": str(self._file)}

    def jump(self, **amount: float) -> None:
        """Jump, in the words of `timedelta`; backwards when negative."""
        (seconds,) = struct.unpack("=q", self._file.read_bytes())
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", seconds + int(timedelta(**amount).total_seconds())))
