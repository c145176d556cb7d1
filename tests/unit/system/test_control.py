"""The control socket: its protocol on a fake wire, its file, and the client that blocks."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.errors import StateError
from bridge.system import asking, control
from bridge.system.asking import ControlError, NotRunning
from bridge.system.control import Command, ControlProtocol, ControlServer
from tests.real_reactor import run

GONE = Failure(ConnectionDone())


def in_thread(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    """What `function` gives, while the reactor runs: in a thread that ends, not in the reactor's pool."""
    result: Deferred[Any] = Deferred()

    def work() -> None:
        try:
            outcome = function(*arguments)
        except Exception:
            outcome = Failure()
        reactor.callFromThread(result.callback, outcome)  # type: ignore[attr-defined]

    threading.Thread(target=work).start()
    return result


class Client:
    """A client of the protocol, on a wire in memory."""

    def __init__(self, commands: Mapping[str, Command], clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.server = ControlServer(Path("/unused"), commands, self.clock)
        protocol = self.server.buildProtocol(None)  # type: ignore[arg-type]
        assert protocol is not None
        self.protocol: ControlProtocol = protocol
        self.wire = StringTransport()
        self.protocol.makeConnection(self.wire)

    def ask(self, request: object) -> None:
        """Send one line."""
        self.protocol.dataReceived(json.dumps(request).encode() + b"\n")

    @property
    def answer(self) -> Any:
        """The one line that came back; the connection must be closing behind it."""
        text = self.wire.value()
        assert text.endswith(b"\n")
        assert text.count(b"\n") == 1
        assert self.wire.disconnecting
        return json.loads(text)


def test_a_command_and_its_result() -> None:
    """One line asks, one line answers, then the connection ends."""
    client = Client({"status": lambda _request: {"ready": True}})

    client.ask({"command": "status"})

    assert client.answer == {"result": {"ready": True}}


def test_a_command_hears_the_whole_request() -> None:
    """What stands beside the command's name reaches the command."""
    heard: list[Mapping[str, Any]] = []
    client = Client({"button": lambda request: heard.append(request)})

    client.ask({"command": "button", "device": "LiDE"})

    assert heard == [{"command": "button", "device": "LiDE"}]
    assert client.answer == {"result": None}


def test_a_command_may_take_its_time() -> None:
    """A Deferred is waited for, without a limit of the socket's own."""
    later: Deferred[dict[str, int]] = Deferred()
    client = Client({"slow": lambda _request: later})
    client.ask({"command": "slow"})
    client.clock.advance(control.IDLE_TIMEOUT_S * 100)
    assert client.wire.value() == b""
    assert not client.wire.disconnected

    later.callback({"n": 1})

    assert client.answer == {"result": {"n": 1}}


def test_a_client_that_left_meanwhile() -> None:
    """The late result of a command whose client is gone is dropped."""
    later: Deferred[dict[str, int]] = Deferred()
    client = Client({"slow": lambda _request: later})
    client.ask({"command": "slow"})
    client.protocol.connectionLost(GONE)

    later.callback({"n": 1})

    assert client.wire.value() == b""
    assert client.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"status", "a request is one line of JSON"),
        (b"\xff\xfe", "a request is one line of JSON"),
        (b"[" * 4000, "a request is one line of JSON"),
        (b"[]", "a request is a JSON object"),
        (b"{}", "there is no such command; there are button, status"),
        (b'{"command": 1}', "there is no such command; there are button, status"),
        (b'{"command": ["status"]}', "there is no such command; there are button, status"),
        (b'{"command": "reboot"}', "there is no such command; there are button, status"),
    ],
)
def test_requests_that_make_no_sense(line: bytes, error: str) -> None:
    """A wrong request is answered with what is wrong."""
    client = Client({"status": lambda _request: {}, "button": lambda _request: {}})

    client.protocol.dataReceived(line + b"\n")

    assert client.answer == {"error": error}


def test_a_refusal_keeps_its_words() -> None:
    """An error of ours is told as it is: it is written for people."""

    def refuse(_request: Mapping[str, Any]) -> None:
        raise StateError("no computer listens")

    client = Client({"button": refuse})
    client.ask({"command": "button"})

    assert client.answer == {"error": "no computer listens"}


@pytest.mark.parametrize("command", [lambda _request: 1 / 0, lambda _request: {"x": object()}])
def test_a_defect_is_not_told(command: Command) -> None:
    """A failing command answers without its insides; those are in the log."""
    client = Client({"status": command})

    client.ask({"command": "status"})

    assert client.answer == {"error": "the command failed; the log of the bridge says why"}


def test_request_limit() -> None:
    """A request of the largest size is read, a longer one is refused and nothing behind it is."""
    calls: list[int] = []
    commands: dict[str, Command] = {"status": lambda _request: calls.append(1)}
    fits = b'{"command": "status"}'.ljust(control.MAX_REQUEST)
    client = Client(commands)
    client.protocol.dataReceived(fits + b"\n")
    assert client.answer == {"result": None}

    client = Client(commands)
    client.protocol.dataReceived(fits + b" \n" + b'{"command": "status"}\n')
    assert client.answer == {"error": "a request has at most 4096 bytes"}
    assert calls == [1]


def test_only_the_first_line_counts() -> None:
    """Two requests on one connection get one answer."""
    client = Client({"status": lambda _request: {}})

    client.protocol.dataReceived(b'{"command": "status"}\n{"command": "status"}\n')

    assert client.answer == {"result": {}}


def test_a_silent_client_is_dropped() -> None:
    """Who asks nothing in time loses the connection."""
    client = Client({})
    client.clock.advance(control.IDLE_TIMEOUT_S - 0.1)
    assert not client.wire.disconnected

    client.clock.advance(0.1)

    assert client.wire.disconnected


def test_a_client_that_does_not_read_is_dropped() -> None:
    """An answer that nobody fetches is given up in time."""
    client = Client({"status": lambda _request: {}})
    client.ask({"command": "status"})

    client.clock.advance(control.IDLE_TIMEOUT_S)

    assert client.wire.disconnected


def test_connection_limit() -> None:
    """One client more than allowed gets no connection, until another has left."""
    server = ControlServer(Path("/unused"), {}, Clock())
    first = server.buildProtocol(None)  # type: ignore[arg-type]
    assert first is not None
    first.makeConnection(StringTransport())
    for _ in range(control.MAX_CONNECTIONS - 1):
        assert server.buildProtocol(None) is not None  # type: ignore[arg-type]
    assert server.buildProtocol(None) is None  # type: ignore[arg-type]

    first.connectionLost(GONE)

    assert server.buildProtocol(None) is not None  # type: ignore[arg-type]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Mapping[str, Command]], ControlServer]]:
    """Opens real control sockets, and closes them at the end."""
    servers: list[ControlServer] = []

    def opened(commands: Mapping[str, Command], path: Path = tmp_path / "control.sock") -> ControlServer:
        server = ControlServer(path, commands, reactor)  # type: ignore[arg-type]
        server.listen(reactor)  # type: ignore[arg-type]
        servers.append(server)
        return server

    yield opened
    for server in servers:
        run(server.close())


Serve = Callable[..., ControlServer]


def test_asking_a_daemon(serve: Serve) -> None:
    """The client gets what the command gave, over a real socket."""
    server = serve({"status": lambda _request: {"version": "1", "big": "x" * 300000}})

    told = run(in_thread(asking.ask, server.path, {"command": "status"}))

    assert told == {"version": "1", "big": "x" * 300000}


def test_being_refused(serve: Serve) -> None:
    """A refusal reaches the person as the daemon worded it."""
    server = serve({})

    with pytest.raises(ControlError, match="there is no such command"):
        run(in_thread(asking.ask, server.path, {"command": "status"}))


def test_who_may_ask(serve: Serve) -> None:
    """The socket belongs to its owner and group and is closed to others."""
    mode = os.stat(serve({}).path).st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660


def test_the_folder_is_made(serve: Serve, tmp_path: Path) -> None:
    """A state folder that does not exist yet is no obstacle."""
    serve({}, tmp_path / "a" / "b" / "control.sock")

    assert (tmp_path / "a" / "b" / "control.sock").is_socket()


def test_a_socket_left_by_a_dead_daemon(serve: Serve, tmp_path: Path) -> None:
    """A socket that nobody listens on is replaced."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()

    serve({"status": lambda _request: {"alive": True}}, path)

    assert run(in_thread(asking.ask, path, {"command": "status"})) == {"alive": True}


def test_a_second_daemon(serve: Serve) -> None:
    """The socket of a daemon that lives is left alone, and the second one says what to do."""
    server = serve({"status": lambda _request: {"first": True}})

    with pytest.raises(StateError, match=r"another bridge is running here.*state\.directory"):
        serve({})

    assert run(in_thread(asking.ask, server.path, {"command": "status"})) == {"first": True}


def test_a_file_in_the_way(serve: Serve, tmp_path: Path) -> None:
    """A file that is no socket is never removed."""
    path = tmp_path / "control.sock"
    path.write_text("precious")

    with pytest.raises(StateError, match=r"something else than a control socket"):
        serve({}, path)

    assert path.read_text() == "precious"


def test_a_place_that_cannot_be(serve: Serve, tmp_path: Path) -> None:
    """A socket below a file is refused with the reason."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StateError, match="cannot be made"):
        serve({}, tmp_path / "file" / "control.sock")


def test_closing_removes_the_socket(serve: Serve) -> None:
    """After the end nothing is left behind, and closing twice is harmless."""
    server = serve({})
    run(server.close())
    run(server.close())

    assert not server.path.exists()


def test_nobody_listens(tmp_path: Path) -> None:
    """No socket, or a dead one, means that no bridge is running."""
    with pytest.raises(NotRunning):
        asking.ask(tmp_path / "none", {"command": "status"})
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    with pytest.raises(NotRunning):
        asking.ask(tmp_path / "dead", {"command": "status"})


def test_the_first_that_runs_is_asked(serve: Serve, tmp_path: Path) -> None:
    """Places where nobody listens are passed over; when all are silent, the last one is named."""
    server = serve({"status": lambda _request: {"n": 1}})
    none = tmp_path / "none"

    assert run(in_thread(asking.ask_first, [none, server.path], {"command": "status"})) == {"n": 1}
    with pytest.raises(NotRunning, match="none"):
        asking.ask_first([server.path.with_name("other"), none], {"command": "status"})


@pytest.mark.parametrize("answer", [b"", b"{", b"[]\n", b'{"result": 1}\n', b'{"error": {}}\n', b"[" * 5000])
def test_answers_that_make_no_sense(tmp_path: Path, answer: bytes) -> None:
    """Whatever listens there and says something else is an error, not a crash."""
    path = tmp_path / "odd"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        odd = threading.Thread(target=_answer_once, args=(listener, answer))
        odd.start()
        try:
            with pytest.raises(ControlError):
                asking.ask(path, {"command": "status"})
        finally:
            odd.join()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(answer)
