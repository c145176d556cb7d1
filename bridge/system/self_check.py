"""Whether the daemon works: it asks itself over its control socket, and looks at the processes it believes to have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from bridge.errors import BridgeError

MAX_ANSWER = 65536
"""Longest answer in bytes; it has one number for each scanner."""

ANSWER_TIMEOUT_S = 60.0
"""For the answer; longer than systemd waits, only to end a connection that nobody needs any more."""

COMMAND = "alive"
"""The control command that is asked."""


class NotAlive(BridgeError):
    """The bridge does not do what it is for."""


class SelfCheck:
    """A call asks; the result fires when the daemon is well, and fails with NotAlive or an error of the socket.

    `socket` is the control socket, `proc` where the kernel lists processes. A worker that has ended is expected to be
    noticed before the next call.
    """

    def __init__(self, reactor: Any, socket: Path, proc: Path = Path("/proc")) -> None:
        self._reactor = reactor
        self._endpoint = UNIXClientEndpoint(reactor, str(socket))
        self._proc = proc
        self._ended: set[int] = set()

    def __call__(self) -> Deferred[None]:
        """Ask."""
        connecting = connectProtocol(self._endpoint, _Question())
        asking: Deferred[bytes] = connecting.addCallback(lambda question: question.answer)
        return asking.addTimeout(ANSWER_TIMEOUT_S, self._reactor).addCallback(self._judge)

    def _judge(self, line: bytes) -> None:
        workers = _workers(line)
        ended = {pid for pid in workers if self._has_ended(pid)}
        unnoticed, self._ended = ended & self._ended, ended
        if unnoticed:
            numbers = ", ".join(str(pid) for pid in sorted(unnoticed))
            raise NotAlive(f"it has not noticed that its worker process {numbers} has ended")

    def _has_ended(self, pid: int) -> bool:
        try:
            status = (self._proc / str(pid) / "stat").read_text("ascii", "replace")
        except (FileNotFoundError, ProcessLookupError):
            return True
        except OSError:
            return False
        # The name before the state may hold anything, brackets too (proc(5)).
        return status.rpartition(")")[2].split()[:1] == ["Z"]


def alive(workers: Iterable[int | None]) -> dict[str, list[int]]:
    """The answer to the command: the worker processes that the daemon believes to have."""
    return {"workers": [pid for pid in workers if pid is not None]}


def _workers(line: bytes) -> list[int]:
    try:
        return [pid for pid in json.loads(line)["result"]["workers"] if isinstance(pid, int)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotAlive(f"it answers itself {line[:200]!r}") from error


class _Question(LineOnlyReceiver):
    """One question and its answer."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_ANSWER

    def __init__(self) -> None:
        self.answer: Deferred[bytes] = Deferred(lambda _answer: self._end())

    def connectionMade(self) -> None:
        """Ask."""
        transport: Any = self.transport
        transport.write(json.dumps({"command": COMMAND}).encode() + self.delimiter)

    def lineReceived(self, line: bytes) -> None:
        """The answer."""
        if not self.answer.called:
            self.answer.callback(line)
        self._end()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Without an answer there is none."""
        if not self.answer.called:
            self.answer.errback(NotAlive("its control socket gives no answer"))

    def _end(self) -> None:
        transport: Any = self.transport
        transport.loseConnection()
