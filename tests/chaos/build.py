"""Compiles the chaos backend, for the tests and for whoever wants to try it by hand.

    python3 -m tests.chaos.build /tmp/chaos
    LD_LIBRARY_PATH=/tmp/chaos SANE_CONFIG_DIR=/tmp/chaos scanimage -L
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.chaos.order import Order, write_order

SOURCES = ("chaos.c", "order.c")
LIBRARY = "libsane-chaos.so.1"
"""The name by which SANE's loader looks for the backend `chaos`."""


def build(folder: Path) -> Path:
    """Compile into `folder`, which goes into LD_LIBRARY_PATH; the library. Needs gcc and SANE's headers."""
    here = Path(__file__).parent
    library = folder / LIBRARY
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"]
    subprocess.run(["gcc", *flags, "-o", library, *(here / name for name in SOURCES), "-lm"], check=True)
    return library


if __name__ == "__main__":
    place = Path(sys.argv[1])
    place.mkdir(parents=True, exist_ok=True)
    build(place)
    write_order(place, Order())
