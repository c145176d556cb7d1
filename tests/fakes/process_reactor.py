"""A reactor that only remembers the processes it was asked to spawn, with a clock moved by hand.

Modelled on what Twisted's process transport does as far as `bridge.scanner.process` uses it; the contract test in
`tests/unit/scanner/test_supervisor_real.py` runs the same code over real processes.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from bridge.scanner import protocol
from bridge.scanner.protocol import Command, Event


class FakeReader:
    """The daemon's end of a pipe."""

    def __init__(self) -> None:
        self.reading = True

    def stopReading(self) -> None:
        self.reading = False

    def startReading(self) -> None:
        self.reading = True


class FakeProcess:
    """One spawned process: its `arguments`, of which `module` is what it runs, `heard` are the commands it got,
    `signals` what it was sent.
    """

    def __init__(self, pid: int, owner: ProcessProtocol, arguments: list[str], environment: dict[str, str]) -> None:
        self.pid: int | None = pid
        self.protocol = owner
        self.arguments = arguments
        self.module = arguments[2]
        self.environment = environment
        self.heard: list[Command] = []
        self.signals: list[str] = []
        self.pipes: dict[int, Any] = {1: FakeReader(), 2: FakeReader(), 3: FakeReader(), 4: FakeReader()}
        self.obedient = True

    # -- what the daemon calls -------------------------------------------------------------------

    def writeToChild(self, descriptor: int, data: bytes) -> None:
        assert descriptor == protocol.COMMAND_FD
        for line in data.splitlines():
            command = protocol.read_frame(line)
            self.heard.append(command)  # type: ignore[arg-type]
            if isinstance(command, protocol.Close) and self.obedient:
                self.exit(0)

    def signalProcess(self, number: int) -> None:
        if self.pid is None:
            raise ProcessExitedAlready
        self.signals.append(number.name)  # type: ignore[attr-defined]
        if number.name == "SIGKILL" and self.obedient:  # type: ignore[attr-defined]
            self.exit(None, 9)

    def closeChildFD(self, descriptor: int) -> None:
        self.pipes.pop(descriptor, None)

    # -- what the test makes the process do ------------------------------------------------------

    def say(self, *events: Event) -> None:
        for event in events:
            self.protocol.childDataReceived(protocol.EVENT_FD, protocol.write_frame(event))

    def image(self, data: bytes) -> None:
        self.protocol.childDataReceived(protocol.IMAGE_FD, data)

    def exit(self, status: int | None, signal: int | None = None) -> None:
        if self.pid is None:
            return
        self.pid = None
        reason = ProcessDone(0) if status == 0 else ProcessTerminated(status, signal, 0)
        self.protocol.processExited(Failure(reason))
        self.protocol.processEnded(Failure(reason))


class ProcessReactor(Clock):
    """Twisted's Clock with a `spawnProcess` that makes FakeProcesses; `processes` has the newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[FakeProcess] = []

    def spawnProcess(
        self, owner: ProcessProtocol, executable: str, args: list[str], env: dict[str, str], childFDs: dict[int, Any]
    ) -> FakeProcess:
        assert set(childFDs) == {0, 1, 2, 3, 4}
        process = FakeProcess(1000 + len(self.processes), owner, args, env)
        self.processes.append(process)
        owner.makeConnection(process)  # type: ignore[arg-type]
        return process

    @property
    def process(self) -> FakeProcess:
        return self.processes[-1]
