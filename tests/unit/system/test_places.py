"""Where state and control socket lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.settings import Control, Settings, State
from bridge.system.places import SERVICE_SOCKET, control_socket, sockets_to_ask, state_directory

HOME = {"HOME": "/home/ada"}
SERVICE = {"HOME": "/nonexistent", "STATE_DIRECTORY": "/var/lib/scanbridge", "RUNTIME_DIRECTORY": "/run/scanbridge"}


def test_state_of_a_person() -> None:
    """Started by hand, the bridge keeps its state below the home folder."""
    assert state_directory(Settings(), HOME) == Path("/home/ada/.local/state/scanbridge")


def test_state_of_the_service() -> None:
    """Under systemd the state is where systemd says, the first folder where there are several."""
    assert state_directory(Settings(), SERVICE) == Path("/var/lib/scanbridge")
    assert state_directory(Settings(), {"STATE_DIRECTORY": "/a:/b"}) == Path("/a")


def test_state_that_is_set() -> None:
    """The setting wins over the environment."""
    assert state_directory(Settings(state=State("/srv/state")), SERVICE) == Path("/srv/state")


def test_socket_of_the_service() -> None:
    """Under systemd the socket lies in the runtime directory."""
    assert control_socket(Settings(), SERVICE) == Path("/run/scanbridge/control.sock") == SERVICE_SOCKET


def test_socket_beside_the_state() -> None:
    """Without a runtime directory the socket lies beside the state, also where that is set."""
    assert control_socket(Settings(), HOME) == Path("/home/ada/.local/state/scanbridge/control.sock")
    assert control_socket(Settings(state=State("/srv/state")), HOME) == Path("/srv/state/control.sock")


def test_socket_that_is_set() -> None:
    """The setting wins over the environment."""
    assert control_socket(Settings(control=Control("/tmp/x.sock")), SERVICE) == Path("/tmp/x.sock")


def test_socket_path_limit() -> None:
    """A path that the kernel cannot take is refused by its length in bytes, with the key that mends it."""
    fits = "/" + "x" * 106
    assert control_socket(Settings(control=Control(fits)), {}) == Path(fits)

    with pytest.raises(ConfigError, match=r"control\.socket = .*at most 107 bytes"):
        control_socket(Settings(control=Control("/" + "ü" * 54)), {})


def test_whom_the_command_line_asks() -> None:
    """A person's own bridge comes before the service; a socket that is set is the only one."""
    own = Path("/home/ada/.local/state/scanbridge/control.sock")

    assert sockets_to_ask(Settings(), HOME) == [own, SERVICE_SOCKET]
    assert sockets_to_ask(Settings(control=Control("/tmp/x.sock")), HOME) == [Path("/tmp/x.sock")]
    assert sockets_to_ask(Settings(), SERVICE) == [SERVICE_SOCKET]
