"""Where the bridge keeps its state and where its control socket lies (design: command line and settings)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bridge.errors import ConfigError
from bridge.settings import Settings

SOCKET_NAME = "control.sock"
SERVICE_SOCKET = Path("/run/scanbridge") / SOCKET_NAME
"""Where the packaged service has its socket: systemd gives RUNTIME_DIRECTORY to the service, not to people's shells."""

MAX_SOCKET_PATH = 107
"""Longest path of a unix socket in bytes (unix(7): 108 with the zero at its end)."""


def state_directory(settings: Settings, environ: Mapping[str, str]) -> Path:
    """The folder for everything that survives a restart; it need not exist yet."""
    if settings.state.directory:
        return Path(settings.state.directory)
    # systemd separates several directories by colons; the first is the service's own.
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    return Path(environ.get("HOME") or Path.home()) / ".local" / "state" / "scanbridge"


def control_socket(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Where the daemon puts its control socket. Raises ConfigError for a path longer than the kernel takes."""
    given = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if settings.control.socket:
        path = Path(settings.control.socket)
    elif given:
        path = Path(given) / SOCKET_NAME
    else:
        path = state_directory(settings, environ) / SOCKET_NAME
    if len(str(path).encode()) > MAX_SOCKET_PATH:
        raise ConfigError(f"control.socket = {path}: expected a path of at most {MAX_SOCKET_PATH} bytes")
    return path


def sockets_to_ask(settings: Settings, environ: Mapping[str, str]) -> list[Path]:
    """Where a daemon on this machine may listen, the likeliest first.

    A socket that the settings name is the only one; else a bridge started by hand comes before the service.
    """
    path = control_socket(settings, environ)
    if settings.control.socket or path == SERVICE_SOCKET:
        return [path]
    return [path, SERVICE_SOCKET]
