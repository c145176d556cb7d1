"""`scanbridge button`: as if the button of a scanner was pressed."""

from __future__ import annotations

import json
import os

from bridge.settings import Settings
from bridge.system import asking
from bridge.system.escape import safe
from bridge.system.places import sockets_to_ask

NOT_RUNNING = """no bridge is running on this machine, or not for you, so there is no button to press. Start it with
  systemctl start scanbridge        when the package is installed
  ./run                             in a checkout of the sources
and give `button` the same --config as `serve`."""


def press_button(
    settings: Settings, device: str | None, destination: str | None, *, as_json: bool = False
) -> int:
    """Have the running daemon tell a PC that there is something to scan; the result is the exit status.

    `device` is a scanner's name or UUID, None for the only one; `destination` a name as `status` lists it, None for the
    usual one. Raises NothingFound when there is no bridge, scanner or destination of that name, UsageError when several
    scanners could be meant, ControlError when the daemon does not answer.
    """
    request = {"command": "button", "device": device, "destination": destination}
    try:
        told = asking.ask_first(sockets_to_ask(settings, os.environ), request)
    except asking.NotRunning as error:
        raise asking.NotRunning(NOT_RUNNING) from error
    if as_json:
        print(json.dumps(told, indent=2))
        return 0
    print(f"The computer at {safe(str(told.get('client')))} is told to scan: {safe(str(told.get('destination')))}")
    return 0
