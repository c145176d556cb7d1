"""Where SANE finds its configuration: our own, so that no backend searches the network."""

from __future__ import annotations

import os
from typing import Literal

SYSTEM_DIRECTORY = "/etc/sane.d"
"""Where Debian's backends have their own settings, firmware paths for instance."""

_OWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sane.d")


def config_directory(kind: Literal["usb", "virtual"]) -> str:
    """The value of SANE_CONFIG_DIR for real scanners or for the virtual one.

    SANE looks for each file in these directories in turn. For real scanners ours comes first: its `dll.conf` and
    `dll.d` name USB backends alone, and the few backend files in it turn off what they would search the network for.
    All other backends' files are the system's. SANE's default, meant by an empty last entry, would add the current
    directory, so the system's directory is named.
    """
    own = os.path.join(_OWN, kind)
    return own if kind == "virtual" else f"{own}:{SYSTEM_DIRECTORY}"
