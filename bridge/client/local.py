"""The bridge on this machine, found through its control socket: a scan then needs no network at all."""

from __future__ import annotations

import os
from typing import Any

from bridge.client.address import read_address
from bridge.client.device import Found
from bridge.errors import BridgeError
from bridge.settings import Settings
from bridge.system import asking
from bridge.system.escape import safe
from bridge.system.places import sockets_to_ask

LOOPBACK = "127.0.0.1"


def local_scanners(settings: Settings) -> list[Found]:
    """What the bridge on this machine serves, at its loopback address; empty when none runs, or it does not answer."""
    try:
        status = asking.ask_first(sockets_to_ask(settings, os.environ), {"command": "status"})
    except BridgeError:
        return []
    port = status.get("http_port")
    if not isinstance(port, int) or not isinstance(status.get("scanners"), list):
        return []
    return [found for scanner in status["scanners"] if (found := _local(scanner, port)) is not None]


def _local(scanner: Any, port: int) -> Found | None:
    try:
        path = read_address(scanner["urls"]["service"]).path
        return Found(
            f"urn:uuid:{scanner['uuid']}", safe(str(scanner["name"])), read_address(f"http://{LOOPBACK}:{port}{path}")
        )
    except (KeyError, TypeError, ValueError):
        return None
