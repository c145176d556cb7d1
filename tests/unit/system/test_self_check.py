"""Whether the daemon can tell that it works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from bridge.errors import BridgeError
from bridge.system import self_check
from bridge.system.control import ControlServer
from bridge.system.self_check import NotAlive, SelfCheck, alive
from tests.deferreds import failure_result_of, success_result_of


class Line:
    """A control socket's connection, played: `transport` has what the check sends."""

    def __init__(self, tmp_path: Path) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.proc = tmp_path
        self.check = SelfCheck(self.reactor, Path("/run/x/control.sock"), tmp_path)
        self.transport = StringTransport()
        self.protocol: Any = None

    def ask(self) -> Deferred[None]:
        """Begin a check, and connect."""
        asked = self.check()
        path, factory, *_ = self.reactor.unixClients.pop()
        assert path == "/run/x/control.sock"
        self.transport = StringTransport()
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        return asked

    def answer(self, *workers: object) -> None:
        """Say which workers the daemon believes to have."""
        self.protocol.dataReceived(json.dumps({"result": {"workers": workers}}).encode() + b"\n")

    def process(self, pid: int, state: str, name: str = "python3") -> None:
        """Put a process into the kernel's list."""
        (self.proc / str(pid)).mkdir(exist_ok=True)
        (self.proc / str(pid) / "stat").write_text(f"{pid} ({name}) {state} 1 1 1 0 -1")


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """A connection, with an empty list of processes."""
    return Line(tmp_path)


def test_a_daemon_that_answers_is_well(line: Line) -> None:
    """The answer to the question is all it takes where no worker runs."""
    asked = line.ask()
    assert json.loads(line.transport.value()) == {"command": "alive"}

    line.answer()

    assert success_result_of(asked) is None
    assert line.transport.disconnecting


def test_the_daemon_knows_the_question(tmp_path: Path) -> None:
    """The daemon's control socket answers the question with what the check understands."""
    line = Line(tmp_path)
    line.process(41, "S")
    server = ControlServer(tmp_path / "s", {self_check.COMMAND: lambda _request: alive([41, None])}, line.reactor)
    asked = line.ask()
    answering: Any = server.buildProtocol(None)  # type: ignore[arg-type]
    wire = StringTransport()
    answering.makeConnection(wire)

    answering.dataReceived(line.transport.value())
    line.protocol.dataReceived(wire.value())

    assert success_result_of(asked) is None


def test_living_workers_are_well(line: Line) -> None:
    """Workers that run, sleep or wait for the kernel are well, however often one looks, whatever they are called."""
    line.process(41, "S", "a) Z (b")
    line.process(42, "R")
    line.process(43, "D")
    for _ in range(3):
        asked = line.ask()
        line.answer(41, 42, 43)
        success_result_of(asked)


@pytest.mark.parametrize("dead", ["zombie", "gone"])
def test_a_dead_worker_must_be_noticed(line: Line, dead: str) -> None:
    """A worker that has ended between two looks may be news; one that is still believed in at the next is not."""
    if dead == "zombie":
        line.process(41, "Z")
    first = line.ask()
    line.answer(41)
    success_result_of(first)

    second = line.ask()
    line.answer(41)

    assert str(failure_result_of(second, NotAlive)) == "it has not noticed that its worker process 41 has ended"


def test_a_dead_worker_that_was_replaced(line: Line) -> None:
    """Two workers that end one after the other, each noticed, are no trouble."""
    for pid in (41, 42, 43):
        line.process(pid, "Z")
        asked = line.ask()
        line.answer(pid)
        success_result_of(asked)


def test_no_answer(line: Line) -> None:
    """A connection that ends without an answer is a sign that something is wrong."""
    asked = line.ask()

    line.protocol.connectionLost(Failure(ConnectionDone()))

    assert str(failure_result_of(asked, NotAlive)) == "its control socket gives no answer"


def test_nobody_listens(line: Line) -> None:
    """A socket that is not there is a sign that something is wrong."""
    asked = line.check()
    _, factory, *_ = line.reactor.unixClients.pop()

    factory.clientConnectionFailed(None, FileNotFoundError())

    failure_result_of(asked, FileNotFoundError)


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b"no", b'{"error": "no such command"}', b'{"result": {"workers": 1}}']
)
def test_another_answer(line: Line, answer: bytes) -> None:
    """An answer that is none is a sign that something is wrong."""
    asked = line.ask()

    line.protocol.dataReceived(answer + b"\n")

    failure_result_of(asked, BridgeError)


def test_an_answer_that_does_not_come(line: Line) -> None:
    """A question is not kept for ever: its connection is closed."""
    asked = line.ask()

    line.reactor.advance(self_check.ANSWER_TIMEOUT_S)

    failure_result_of(asked, Exception)
    assert line.transport.disconnecting


def test_the_answer() -> None:
    """The daemon tells the process ids of its workers, and leaves out scanners that have none."""
    assert alive([7, None, 9]) == {"workers": [7, 9]}
