"""What systemd is told; silence when it does not ask (sd_notify(3))."""

from __future__ import annotations

import time
from collections.abc import Sequence

from systemd.daemon import notify


def ready(status: str) -> None:
    """The service is up; `status` is the line that `systemctl status` shows."""
    notify(f"READY=1\nSTATUS={_line(status)}")


def serving(names: Sequence[str], port: int) -> str:
    """The status line of a bridge that serves the scanners `names`."""
    if not names:
        return f"no scanner yet, port {port}"
    return f"port {port}: {', '.join(names)}"


def status(text: str) -> None:
    """What the service is doing, for `systemctl status`."""
    notify(f"STATUS={_line(text)}")


def reloading() -> None:
    """The settings are read again; `ready` must follow."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def alive() -> None:
    """The service works; expected at least once in the time that WATCHDOG_USEC says."""
    notify("WATCHDOG=1")


def stopping() -> None:
    """The service is going down."""
    notify("STOPPING=1")


def _line(text: str) -> str:
    # A line break would begin another assignment, and scanners' names end up in here.
    return "".join(character if character.isprintable() else " " for character in text)
