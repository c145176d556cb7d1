"""The control socket: one line of JSON asks the running daemon, one line of JSON answers.

A request is an object with `command` and what that command takes beside it; the answer is {"result": ...} or
{"error": "..."}, the latter with a `kind` where the command line has an exit status for it. Who may talk is decided by
the file mode: owner and group (design: who may do what).
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from twisted.internet import defer
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IReactorTime,
    IReactorUNIX,
    ITCPTransport,
)
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from bridge.errors import BridgeError, StateError
from bridge.system.asking import KINDS, ControlError

SOCKET_MODE = 0o660
MAX_REQUEST = 4096
"""Longest request in bytes."""

MAX_CONNECTIONS = 16
IDLE_TIMEOUT_S = 10
"""How long a client may take to say its request or to fetch its answer."""

Command: TypeAlias = Callable[[Mapping[str, Any]], Any]
"""What does one command: takes the request, gives what JSON can hold, or a Deferred of it."""


class ControlProtocol(LineOnlyReceiver):
    """One client of the control socket; the connection ends with the answer."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_REQUEST
    _log = Logger()

    def __init__(self, commands: Mapping[str, Command], clock: IReactorTime, gone: Callable[[], None]) -> None:
        self._commands = commands
        self._clock = clock
        self._gone = gone
        self._asked = False
        self._lost = False
        self._deadline: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """The client has its time from now on."""
        self._hurry()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The client is gone, or its answer is out."""
        self._lost = True
        self._wait()
        self._gone()

    def lineReceived(self, line: bytes) -> None:
        """The request; whatever follows it is not read."""
        if self._asked:
            return
        self._asked = True
        # The command itself may take its time: only a client is hurried.
        self._wait()
        answered = defer.maybeDeferred(self._run, line)
        answered.addCallbacks(lambda result: {"result": result}, self._failed)
        answered.addCallback(self._answer)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A request that never ends gets one answer and no more."""
        self._asked = True
        self._answer({"error": f"a request has at most {MAX_REQUEST} bytes"})

    def _run(self, line: bytes) -> Any:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ControlError("a request is one line of JSON") from error
        if not isinstance(request, dict):
            raise ControlError("a request is a JSON object")
        name = request.get("command")
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            raise ControlError(f"there is no such command; there are {', '.join(sorted(self._commands))}")
        return command(request)

    def _failed(self, failure: Failure) -> dict[str, str]:
        error = failure.value
        if isinstance(error, BridgeError):
            kind = next((kind for kind, one in KINDS.items() if isinstance(error, one)), None)
            return {"error": str(error)} if kind is None else {"error": str(error), "kind": kind}
        self._log.failure("a control command failed", failure)
        return {"error": "the command failed; the log of the bridge says why"}

    def _answer(self, answer: Mapping[str, object]) -> None:
        try:
            line = json.dumps(answer).encode()
        except (TypeError, ValueError):
            self._log.failure("a control command gave what JSON cannot hold")
            line = b'{"error": "the command failed; the log of the bridge says why"}'
        transport = cast(ITCPTransport, self.transport)
        if self._lost:
            return
        self._hurry()
        transport.write(line + self.delimiter)
        transport.loseConnection()

    def _hurry(self) -> None:
        """From now on the client has IDLE_TIMEOUT_S; loseConnection alone would wait for ever for one that is stuck."""
        self._wait()
        transport = cast(ITCPTransport, self.transport)
        self._deadline = self._clock.callLater(IDLE_TIMEOUT_S, transport.abortConnection)

    def _wait(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class ControlServer(Factory):
    """The daemon's end of the socket at `path`; `commands` is what can be asked."""

    noisy = False

    def __init__(self, path: Path, commands: Mapping[str, Command], clock: IReactorTime) -> None:
        self.path = path
        self._commands = commands
        self._clock = clock
        self._connections = 0
        self._port: IListeningPort | None = None

    def listen(self, reactor: IReactorUNIX) -> None:
        """Open the socket. Raises StateError when the place is taken or cannot be used."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{self.path.parent}: the folder of the control socket cannot be made: {error}") from error
        _clear(self.path)
        try:
            self._port = reactor.listenUNIX(str(self.path), self, 50, SOCKET_MODE, False)
        except Exception as error:  # CannotListenError hides the reason in its text; all that counts is that it failed
            raise StateError(f"{self.path}: the control socket cannot be opened: {error}") from error

    def close(self) -> defer.Deferred[None]:
        """Stop listening; the file goes away. Harmless when not listening."""
        port, self._port = self._port, None
        stopped = None if port is None else port.stopListening()
        return defer.succeed(None) if stopped is None else stopped

    def buildProtocol(self, addr: IAddress) -> ControlProtocol | None:
        """One more client, unless there are too many."""
        if self._connections >= MAX_CONNECTIONS:
            return None
        self._connections += 1
        return ControlProtocol(self._commands, self._clock, self._one_gone)

    def _one_gone(self) -> None:
        self._connections -= 1


def _clear(path: Path) -> None:
    """Take away a socket that a dead daemon left. Raises StateError when it is alive, or is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"{path}: the control socket cannot be opened: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise StateError(f"{path}: there is something else than a control socket; move it away or set control.socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as connection:
        outcome = connection.connect_ex(str(path))
    if outcome == errno.ECONNREFUSED:
        path.unlink(missing_ok=True)
    elif outcome != errno.ENOENT:
        raise StateError(
            f"{path}: another bridge is running here; stop it first, or give this one a state.directory of its own"
        )
