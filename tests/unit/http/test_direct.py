"""What goes to the socket at once: in order, whole, and only where nothing waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport

from bridge.http.direct import send_at_once

PIECES = [b"5\r\n", b"image", b"\r\n"]


class NoReactor:
    """Takes the announcements of a connection, and lets nothing come of them."""

    def addWriter(self, writer: Any) -> None:
        pass

    addReader = removeReader = removeWriter = addWriter


@pytest.fixture
def line() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection of Twisted's, and the other end of its socket."""
    ours, theirs = socket.socketpair()
    connection = Connection(ours, Protocol(), NoReactor())  # type: ignore[no-untyped-call]
    connection.connected = 1
    theirs.setblocking(False)
    yield connection, theirs
    ours.close()
    theirs.close()


def test_an_idle_connection_sends_everything(line: tuple[Connection, socket.socket]) -> None:
    """All pieces are in the socket when the call returns, and nothing is left."""
    connection, theirs = line
    assert send_at_once(connection, PIECES) == []
    assert theirs.recv(100) == b"".join(PIECES)


def test_what_the_socket_does_not_take_is_left(line: tuple[Connection, socket.socket]) -> None:
    """Sent and left together are what was to be sent, byte for byte, wherever the socket is full."""
    connection, theirs = line
    pieces = [bytes([number]) * 70_001 for number in range(60)]
    rest = send_at_once(connection, pieces)
    assert rest
    arrived = b""
    while len(arrived) + sum(map(len, rest)) < sum(map(len, pieces)):
        arrived += theirs.recv(1 << 20)
    assert arrived + b"".join(rest) == b"".join(pieces)
    assert len(arrived) % 70_001 != 0


@pytest.mark.parametrize("sent", range(11))
def test_the_rest_begins_where_sending_ended(
    line: tuple[Connection, socket.socket], monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    """After any number of bytes exactly those that follow are left."""
    connection, _ = line

    class Narrow:
        def sendmsg(self, pieces: Any) -> int:
            return sent

    connection.socket = Narrow()
    assert b"".join(send_at_once(connection, PIECES)) == b"".join(PIECES)[sent:]


def test_waiting_bytes_keep_their_place(line: tuple[Connection, socket.socket]) -> None:
    """While older bytes wait nothing overtakes them, neither before nor after Twisted has joined them."""
    connection, theirs = line
    connection.write(b"older")
    assert send_at_once(connection, PIECES) == PIECES
    connection.dataBuffer, connection._tempDataBuffer = b"older", []
    assert send_at_once(connection, PIECES) == PIECES
    with pytest.raises(BlockingIOError):
        theirs.recv(100)


def test_a_closing_connection_gets_nothing(line: tuple[Connection, socket.socket]) -> None:
    """After the end was decided nothing is sent past Twisted."""
    connection, _ = line
    connection.disconnecting = True
    assert send_at_once(connection, PIECES) == PIECES
    connection.disconnecting, connection.connected = False, 0
    assert send_at_once(connection, PIECES) == PIECES


def test_a_broken_socket_is_left_to_the_reactor(line: tuple[Connection, socket.socket]) -> None:
    """A client that has gone is no error here; Twisted meets it and ends the connection."""
    connection, theirs = line
    theirs.close()
    assert send_at_once(connection, PIECES) == PIECES


def test_other_transports_are_left_alone() -> None:
    """What is no TCP connection gets its bytes as ever."""
    transport = StringTransport()
    assert send_at_once(transport, PIECES) == PIECES
    assert transport.value() == b""


def test_an_unknown_twisted_is_left_alone(line: tuple[Connection, socket.socket]) -> None:
    """A connection without the buffer that we know may hold bytes elsewhere."""
    connection, _ = line
    del connection.__dict__["_tempDataBuffer"]
    assert send_at_once(connection, PIECES) == PIECES
